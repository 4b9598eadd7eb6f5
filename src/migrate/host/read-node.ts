import { findFlag } from "./command-line.ts";
import { findLayout, type LayoutFacts } from "./find-layout.ts";
import type { HostRoot } from "./host-root.ts";
import { readDocker, type DockerFacts } from "./read-docker.ts";
import { readKernel, type KernelFacts } from "./read-kernel.ts";
import { readKubelet, type KubeletFacts } from "./read-kubelet.ts";
import { readOs, type OsFacts } from "./read-os.ts";
import { readPackages } from "./read-packages.ts";
import { readRuntime, type RuntimeFacts } from "./read-runtime.ts";
import type { HostText } from "./read-unit.ts";
import type { RunningHost } from "./running-host.ts";

/** All that is known of one node from its own files; what a plan is made from. */
export type NodeFacts = LayoutFacts & {
  /** As the cluster knows it: `--hostname-override`, else the host's name. */
  readonly node: string;
  readonly os: OsFacts;
  readonly kernel: KernelFacts;
  readonly kubelet: KubeletFacts;
  /** kubeadm's static pods are here: an API server, or etcd, or both. */
  readonly controlPlane: { readonly apiServer: boolean; readonly etcd: boolean };
  readonly docker: DockerFacts | undefined;
  readonly containerd: RuntimeFacts;
  readonly criDockerd: RuntimeFacts;
  readonly ferry: RuntimeFacts;
  readonly cni: CniFacts;
  /** Files that a plan may write, where they are there: `/etc/crictl.yaml`. */
  readonly files: ReadonlyMap<string, HostText>;
};

export type CniFacts = {
  /** Of the directory the kubelet names, or `/etc/cni/net.d`, sorted as the runtime takes them. */
  readonly configFiles: readonly string[];
  /** In the directories the kubelet names, or `/opt/cni/bin`. */
  readonly plugins: readonly string[];
};

/** Files a plan may write that no other reader reads. */
export const plainFiles = [
  "/etc/crictl.yaml",
  "/etc/modules-load.d/ferry-migrate.conf",
  "/etc/sysctl.d/99-ferry-migrate.conf",
] as const;

/** Reads a host root; `running` for what only the host itself can say. */
export async function readNode(root: HostRoot, running?: RunningHost): Promise<NodeFacts> {
  const packages = await readPackages(root, running);
  const sources = { root, running, packages };
  const kubelet = await readKubelet(sources);
  return {
    ...(await findLayout(root, kubelet)),
    node: await readNodeName(root, kubelet),
    os: await readOs(root),
    kernel: await readKernel(root),
    kubelet,
    controlPlane: {
      apiServer: await root.exists("/etc/kubernetes/manifests/kube-apiserver.yaml"),
      etcd: await root.exists("/etc/kubernetes/manifests/etcd.yaml"),
    },
    docker: await readDocker(sources),
    containerd: await readRuntime(sources, "containerd"),
    criDockerd: await readRuntime(sources, "cri-dockerd"),
    ferry: await readRuntime(sources, "ferry"),
    cni: await readCni(root, kubelet),
    files: await readFiles(root),
  };
}

async function readNodeName(root: HostRoot, kubelet: KubeletFacts): Promise<string> {
  const override = findFlag(kubelet.commandLine, "hostname-override")?.value;
  return override ?? ((await root.findText("/etc/hostname")) ?? "").trim().toLowerCase();
}

async function readCni(root: HostRoot, kubelet: KubeletFacts): Promise<CniFacts> {
  const configDirectory = findFlag(kubelet.commandLine, "cni-conf-dir")?.value ?? "/etc/cni/net.d";
  const binaryDirectories = (findFlag(kubelet.commandLine, "cni-bin-dir")?.value ?? "/opt/cni/bin").split(",");
  const plugins: string[] = [];
  for (const directory of binaryDirectories) plugins.push(...(await root.list(directory)));
  const names = await root.list(configDirectory);
  return { configFiles: names.filter((name) => /\.(conf|conflist|json)$/.test(name)), plugins };
}

async function readFiles(root: HostRoot): Promise<Map<string, HostText>> {
  const files = new Map<string, HostText>();
  for (const path of plainFiles) {
    const text = await root.findText(path);
    if (text !== undefined) files.set(path, { path, text });
  }
  return files;
}
