import { findFlag } from "./command-line.ts";
import type { HostRoot } from "./host-root.ts";
import type { KubeletFacts } from "./read-kubelet.ts";
import { readUnit } from "./read-unit.ts";
import type { Source } from "./source.ts";

/**
 * Who set the node up, and so where its kubelet's socket is said.
 *
 * kubeadm has kept it in three ways: `annotation` only the Node's annotation (dockershim was the default), `flags-env`
 * also `kubeadm-flags.env`, `instance-config` a file of its own (1.34 and later).
 */
export type Layout =
  | { readonly t: "kubeadm"; readonly era: "annotation" | "flags-env" | "instance-config" }
  /** A unit with flags of its own, no kubeadm. */
  | { readonly t: "systemd" }
  /** As `systemd`, with drop-ins of KubeletConfiguration in a directory. */
  | { readonly t: "config-dir"; readonly directory: string }
  | { readonly t: "k3s" | "rke2"; readonly unit: string; readonly configPath: string }
  /** Nodes that a provider replaces and nobody edits. */
  | { readonly t: "managed"; readonly provider: "eks" | "gke" | "aks" }
  /** Snaps and containers of their own: `rke` (the first one) runs the kubelet in Docker. */
  | { readonly t: "microk8s" | "rke" }
  | { readonly t: "none" };

export type LayoutFacts = { readonly layout: Layout; readonly evidence: readonly Source[] };

const k3sUnits = [
  { unit: "k3s.service", t: "k3s", configPath: "/etc/rancher/k3s/config.yaml" },
  { unit: "k3s-agent.service", t: "k3s", configPath: "/etc/rancher/k3s/config.yaml" },
  { unit: "rke2-server.service", t: "rke2", configPath: "/etc/rancher/rke2/config.yaml" },
  { unit: "rke2-agent.service", t: "rke2", configPath: "/etc/rancher/rke2/config.yaml" },
] as const;

const providers = [
  { provider: "eks", paths: ["/etc/eks/bootstrap.sh", "/etc/eks/nodeadm", "/usr/bin/nodeadm"] },
  { provider: "gke", paths: ["/home/kubernetes/kube-env", "/home/kubernetes/bin/kubelet"] },
  { provider: "aks", paths: ["/etc/kubernetes/azure.json"] },
] as const;

const kubeadmFlags = "/var/lib/kubelet/kubeadm-flags.env";

const closed = [
  { t: "microk8s", path: "/var/snap/microk8s/current/args/kubelet" },
  { t: "rke", path: "/etc/kubernetes/ssl/kubecfg-kube-node.yaml" },
] as const;

/** Tells the layout from the files that only one of them has. */
export async function findLayout(root: HostRoot, kubelet: KubeletFacts): Promise<LayoutFacts> {
  for (const { unit, t, configPath } of k3sUnits) {
    const found = (await readUnit(root, unit))?.files[0];
    if (found !== undefined) return { layout: { t, unit, configPath }, evidence: [file(found.path)] };
  }
  for (const { provider, paths } of providers) {
    // A kubeadm node on Azure has that file as well.
    if (provider === "aks" && (await root.exists(kubeadmFlags))) continue;
    for (const path of paths) {
      if (await root.exists(path)) return { layout: { t: "managed", provider }, evidence: [file(path)] };
    }
  }
  for (const { t, path } of closed) {
    if (await root.exists(path)) return { layout: { t }, evidence: [file(path)] };
  }
  return await findUnitLayout(root, kubelet);
}

async function findUnitLayout(root: HostRoot, kubelet: KubeletFacts): Promise<LayoutFacts> {
  const flagsFile = await root.exists(kubeadmFlags);
  if (kubelet.instanceConfig !== undefined) {
    return { layout: { t: "kubeadm", era: "instance-config" }, evidence: [file(kubelet.instanceConfig.path)] };
  }
  if (flagsFile) {
    const endpoint = findFlag(kubelet.commandLine, "container-runtime-endpoint");
    const era = endpoint === undefined ? "annotation" : "flags-env";
    return { layout: { t: "kubeadm", era }, evidence: [file(kubeadmFlags)] };
  }
  const unit = kubelet.unit?.files[0];
  if (unit === undefined) return { layout: { t: "none" }, evidence: [] };
  const directory = kubelet.configDirectory?.path;
  return directory === undefined
    ? { layout: { t: "systemd" }, evidence: [file(unit.path)] }
    : { layout: { t: "config-dir", directory }, evidence: [file(unit.path)] };
}

function file(path: string): Source {
  return { t: "file", path };
}
