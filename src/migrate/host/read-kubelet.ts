import type { HostRoot } from "./host-root.ts";
import { readKubeletConfig, readKubeletConfigDirectory, type KubeletConfigFile } from "./kubelet-config.ts";
import { findFlag, flagSource, readCommandLine, type CommandLine } from "./command-line.ts";
import { findKubernetesVersion, type KubernetesVersion } from "./kubernetes-version.ts";
import { plainPath } from "./plain-path.ts";
import type { Packages } from "./read-packages.ts";
import { readUnit, type Unit } from "./read-unit.ts";
import { runsProgram, type RunningHost } from "./running-host.ts";
import type { Fact } from "./source.ts";

/** What is known of a node's kubelet. */
export type KubeletFacts = {
  readonly version: Fact<KubernetesVersion> | undefined;
  readonly unit: Unit | undefined;
  /** As the files say; undefined without a unit. */
  readonly commandLine: CommandLine | undefined;
  /** As the running process says, where it is running and we are on its host. */
  readonly running: Fact<readonly string[]> | undefined;
  /** The file that `--config` names. */
  readonly config: KubeletConfigFile | undefined;
  /** The directory that `--config-dir` names, and its files in order of effect. */
  readonly configDirectory: { readonly path: string; readonly files: readonly KubeletConfigFile[] } | undefined;
  /** kubeadm's own note of the node's socket, from 1.34 on; the kubelet does not read it. Source: KEP-4656. */
  readonly instanceConfig: KubeletConfigFile | undefined;
};

export const instanceConfigPath = "/var/lib/kubelet/instance-config.yaml";

type Sources = {
  readonly root: HostRoot;
  readonly running?: RunningHost | undefined;
  readonly packages: Packages;
};

/** Reads what the kubelet of a host is started with and configured by. */
export async function readKubelet({ root, running, packages }: Sources): Promise<KubeletFacts> {
  const unit = await readUnit(root, "kubelet.service");
  const commandLine = unit === undefined ? undefined : await readCommandLine(root, unit);
  const pathOf = (flag: string) => {
    const said = findFlag(commandLine, flag)?.value;
    return said === undefined ? undefined : plainPath(said);
  };
  const [configPath, directory] = [pathOf("config"), pathOf("config-dir")];
  return {
    version: await readVersion({ root, running, packages }),
    unit,
    commandLine,
    running: await readRunning(running),
    config: configPath === undefined ? undefined : await readKubeletConfig(root, configPath),
    configDirectory:
      directory === undefined
        ? undefined
        : { path: directory, files: await readKubeletConfigDirectory(root, directory) },
    instanceConfig: await readKubeletConfig(root, instanceConfigPath),
  };
}

/**
 * The value in effect of something that a flag or a configuration field may say: the flag wins, then the last drop-in,
 * then the configuration file. Undefined leaves the kubelet's default.
 */
export function findKubeletSetting(
  kubelet: KubeletFacts,
  names: { readonly flag?: string; readonly field?: string },
): Fact<string> | undefined {
  const flag = names.flag === undefined ? undefined : findFlag(kubelet.commandLine, names.flag);
  if (flag !== undefined) return { value: flag.value ?? "true", source: flagSource(flag) };
  const { field } = names;
  if (field === undefined) return undefined;
  const files = [...(kubelet.configDirectory?.files ?? []).toReversed(), kubelet.config];
  for (const file of files) {
    const found = file?.fields.get(field);
    if (file === undefined || found === undefined) continue;
    const excerpt = `${field}: ${found.value}`;
    return { value: found.value, source: { t: "file", path: file.path, line: found.line, excerpt } };
  }
  return undefined;
}

async function readRunning(running: RunningHost | undefined): Promise<Fact<readonly string[]> | undefined> {
  const found = (await running?.processes())?.find(({ argv }) => runsProgram(argv, "kubelet"));
  if (found === undefined) return undefined;
  return { value: found.argv, source: { t: "system", what: `/proc/${found.pid}/cmdline` } };
}

async function readVersion({ root, running, packages }: Sources): Promise<Fact<KubernetesVersion> | undefined> {
  for (const program of ["kubelet", "k3s"]) {
    const said = await running?.ask([program, "--version"]);
    const value = said === undefined ? undefined : findKubernetesVersion(said);
    if (value !== undefined) return { value, source: { t: "system", what: `${program} --version` } };
  }
  const installed = packages.find("kubelet");
  const packaged = installed === undefined ? undefined : findKubernetesVersion(installed.value);
  if (installed !== undefined && packaged !== undefined) return { value: packaged, source: installed.source };
  return await readControlPlaneVersion(root);
}

/** On a control plane node, the API server's image; its kubelet is of this version or older. */
async function readControlPlaneVersion(root: HostRoot): Promise<Fact<KubernetesVersion> | undefined> {
  const path = "/etc/kubernetes/manifests/kube-apiserver.yaml";
  const lines = (await root.findText(path))?.split("\n") ?? [];
  const index = lines.findIndex((line) => /^\s*image:/.test(line));
  const excerpt = lines[index]?.trim() ?? "";
  const value = findKubernetesVersion(excerpt.slice(excerpt.lastIndexOf(":")));
  return value === undefined ? undefined : { value, source: { t: "file", path, line: index + 1, excerpt } };
}
