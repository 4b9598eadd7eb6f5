import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** A kubelet's refusal to start, in its own words. */
export class KubeletError extends Error {}

/** What a kubelet was told, by flags and configuration. */
export type KubeletSettings = {
  readonly kubeconfig: string;
  readonly nodeName: string;
  /** `docker`, or the CRI socket. */
  readonly runtime:
    | { readonly t: "docker"; readonly socket: string }
    | { readonly t: "cri"; readonly endpoint: string };
  readonly staticPodPath: string;
  /** Of pods' sandboxes under Docker. */
  readonly pauseImage: string;
};

type Range = { readonly from?: number; readonly until?: number };

/** Flags by the minor versions that know them; `until` is the first that does not. Source: Kubernetes' changelogs. */
const flags: Readonly<Record<string, Range>> = {
  ...Object.fromEntries(
    "config kubeconfig bootstrap-kubeconfig node-ip hostname-override cgroup-driver node-labels root-dir v register-node pod-manifest-path cluster-dns cluster-domain container-runtime-endpoint image-service-endpoint runtime-request-timeout fail-swap-on cert-dir rotate-certificates"
      .split(" ")
      .map((name) => [name, {}]),
  ),
  "container-runtime": { until: 27 },
  "pod-infra-container-image": { until: 35 },
  "config-dir": { from: 28 },
  ...Object.fromEntries(
    "network-plugin cni-conf-dir cni-bin-dir cni-cache-dir network-plugin-mtu docker-endpoint image-pull-progress-deadline experimental-dockershim-root-directory"
      .split(" ")
      .map((name) => [name, { until: 24 }]),
  ),
};

/** Reads a command line as the kubelet of 1.`minor` does. @throws KubeletError */
export function readSettings(minor: number, words: readonly string[]): KubeletSettings {
  const given = parseFlags(minor, words);
  const config = readConfig(given);
  const endpoint =
    given.get("container-runtime-endpoint") ?? (minor >= 27 ? textOf(config, "containerRuntimeEndpoint") : undefined);
  const kind = given.get("container-runtime") ?? (minor < 24 ? "docker" : "remote");
  if (kind !== "remote" && (kind !== "docker" || minor >= 24))
    throw new KubeletError(`unsupported CRI runtime: "${kind}", only "remote" is currently supported`);
  const docker = (given.get("docker-endpoint") ?? "unix:///var/run/docker.sock").replace("unix://", "");
  const fallback = minor >= 27 ? "unix:///run/containerd/containerd.sock" : "";
  return {
    kubeconfig: given.get("kubeconfig") ?? "/etc/kubernetes/kubelet.conf",
    nodeName: given.get("hostname-override") ?? "",
    runtime: kind === "docker" ? { t: "docker", socket: docker } : { t: "cri", endpoint: endpoint ?? fallback },
    pauseImage: given.get("pod-infra-container-image") ?? "registry.k8s.io/pause:3.6",
    staticPodPath: given.get("pod-manifest-path") ?? textOf(config, "staticPodPath") ?? "/etc/kubernetes/manifests",
  };
}

function parseFlags(minor: number, words: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const [, name = "", value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(words[at] ?? "") ?? [];
    if (name === "") throw new KubeletError(`unknown command ${words[at] ?? ""}`);
    const range = flags[name];
    if (range === undefined || minor < (range.from ?? 0) || minor >= (range.until ?? Infinity)) {
      throw new KubeletError(`failed to parse kubelet flag: unknown flag: --${name}`);
    }
    given.set(name, value ?? words[++at] ?? "");
  }
  return given;
}

function readConfig(given: ReadonlyMap<string, string>): unknown {
  const path = given.get("config");
  if (path === undefined) return {};
  try {
    return parse(readFileSync(path, "utf8")) as unknown;
  } catch (error) {
    throw new KubeletError(`failed to load kubelet config file, error: ${String(error)}, path: ${path}`);
  }
}

function textOf(config: unknown, field: string): string | undefined {
  const value: unknown = typeof config === "object" && config !== null ? Reflect.get(config, field) : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}
