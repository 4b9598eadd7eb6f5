import { findFlag, readCommandLine, type CommandLine } from "./command-line.ts";
import { findLayout, type Layout, type LayoutFacts } from "./find-layout.ts";
import type { HostRoot } from "./host-root.ts";
import { readKubeletConfig, type KubeletConfigFile } from "./kubelet-config.ts";
import { readDocker, type DockerFacts } from "./read-docker.ts";
import { readKernel, type KernelFacts } from "./read-kernel.ts";
import { readKubelet, type KubeletFacts } from "./read-kubelet.ts";
import { readOs, type OsFacts } from "./read-os.ts";
import { readPackages } from "./read-packages.ts";
import { readRuntime, type RuntimeFacts } from "./read-runtime.ts";
import { readUnit, type HostText } from "./read-unit.ts";
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
  /** On a k3s node. */
  readonly k3s: K3sFacts | undefined;
  readonly docker: DockerFacts | undefined;
  readonly containerd: RuntimeFacts;
  readonly criDockerd: RuntimeFacts;
  readonly ferry: RuntimeFacts;
  readonly cni: CniFacts;
  /** Of those that a runtime needs: `conmon`, `crun`, `runc`. */
  readonly programs: ReadonlySet<string>;
  /** Files that a plan may write, where they are there: `/etc/crictl.yaml`. */
  readonly files: ReadonlyMap<string, HostText>;
};

export type K3sFacts = {
  readonly commandLine: CommandLine | undefined;
  /** `config.yaml`, whose fields are k3s's flags. */
  readonly config: KubeletConfigFile | undefined;
};

export type CniFacts = {
  /** Of the directory the kubelet names, or `/etc/cni/net.d`, sorted as the runtime takes them. */
  readonly configFiles: readonly string[];
  /** In the directories the kubelet names, or `/opt/cni/bin`. */
  readonly plugins: readonly string[];
};

/** Files a plan may write that no other reader reads. */
export const plainFiles = {
  crictl: "/etc/crictl.yaml",
  modules: "/etc/modules-load.d/ferry-migrate.conf",
  sysctls: "/etc/sysctl.d/99-ferry-migrate.conf",
} as const;

/** Reads a host root; `running` for what only the host itself can say. */
export async function readNode(root: HostRoot, running?: RunningHost): Promise<NodeFacts> {
  const packages = await readPackages(root, running);
  const sources = { root, running, packages };
  const kubelet = await readKubelet(sources);
  const found = await findLayout(root, kubelet);
  return {
    ...found,
    node: await readNodeName(root, kubelet),
    os: await readOs(root),
    kernel: await readKernel(root),
    kubelet,
    controlPlane: {
      apiServer: await root.exists("/etc/kubernetes/manifests/kube-apiserver.yaml"),
      etcd: await root.exists("/etc/kubernetes/manifests/etcd.yaml"),
    },
    k3s: await readK3s(root, found.layout),
    docker: await readDocker(sources),
    containerd: await readRuntime(sources, "containerd"),
    criDockerd: await readRuntime(sources, "cri-dockerd"),
    ferry: await readRuntime(sources, "ferry"),
    cni: await readCni(root, kubelet),
    programs: await readPrograms(root),
    files: await readFiles(root),
  };
}

async function readNodeName(root: HostRoot, kubelet: KubeletFacts): Promise<string> {
  const override = findFlag(kubelet.commandLine, "hostname-override")?.value;
  return override ?? ((await root.findText("/etc/hostname")) ?? "").trim().toLowerCase();
}

async function readK3s(root: HostRoot, layout: Layout): Promise<K3sFacts | undefined> {
  if (layout.t !== "k3s") return undefined;
  const unit = await readUnit(root, layout.unit);
  return {
    commandLine: unit === undefined ? undefined : await readCommandLine(root, unit),
    config: await readKubeletConfig(root, layout.configPath),
  };
}

async function readCni(root: HostRoot, kubelet: KubeletFacts): Promise<CniFacts> {
  const configDirectory = findFlag(kubelet.commandLine, "cni-conf-dir")?.value ?? "/etc/cni/net.d";
  const binaryDirectories = (findFlag(kubelet.commandLine, "cni-bin-dir")?.value ?? "/opt/cni/bin").split(",");
  const plugins: string[] = [];
  for (const directory of binaryDirectories) plugins.push(...(await root.list(directory)));
  const names = await root.list(configDirectory);
  return { configFiles: names.filter((name) => /\.(conf|conflist|json)$/.test(name)), plugins };
}

async function readPrograms(root: HostRoot): Promise<Set<string>> {
  const found = new Set<string>();
  for (const name of ["conmon", "crun", "runc", "crictl"]) {
    for (const directory of ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"]) {
      if (await root.exists(`${directory}/${name}`)) found.add(name);
    }
  }
  return found;
}

async function readFiles(root: HostRoot): Promise<Map<string, HostText>> {
  const files = new Map<string, HostText>();
  for (const path of Object.values(plainFiles)) {
    const text = await root.findText(path);
    if (text !== undefined) files.set(path, { path, text });
  }
  return files;
}
