import { EngineError, messageOf } from "#base/errors.ts";
import { parseRelease, type Release } from "../assess/runtime-support.ts";
import type { HostRoot } from "../host/host-root.ts";
import { findKubeletSetting, readKubelet, type KubeletFacts } from "../host/read-kubelet.ts";
import { readPackages } from "../host/read-packages.ts";
import { readRuntime, type RuntimeFacts } from "../host/read-runtime.ts";
import { listSettings, readUnit, type HostText } from "../host/read-unit.ts";
import type { RunningHost } from "../host/running-host.ts";
import type { Fact } from "../host/source.ts";
import { splitWords } from "../host/split-words.ts";
import { ConfigView } from "./config-view.ts";
import type { DoctorCni, DoctorFacts, DoctorKubelet } from "./doctor-facts.ts";
import { mergeImports } from "./merge-imports.ts";
import { readContainerdConfig } from "./read-config.ts";

export type DoctorSources = {
  readonly root: HostRoot;
  readonly running?: RunningHost | undefined;
  /** Of the configuration; `/etc/containerd/config.toml` where it is left out. */
  readonly path?: string | undefined;
  /** As `1.7.28`, for another containerd than the one that is installed. */
  readonly release?: string | undefined;
};

/** Reads what {@link DoctorFacts} holds. */
export async function readDoctorFacts(sources: DoctorSources): Promise<DoctorFacts> {
  const { root, running, path = "/etc/containerd/config.toml" } = sources;
  const packages = await readPackages(root, running);
  const kubelet = await readKubelet({ root, running, packages });
  const release = releaseOf(sources.release, await readRuntime({ root, running, packages }, "containerd"));
  const read = await readFiles(root, path);
  const [main] = read.files;
  const isDeep = release === undefined ? (main?.version ?? 0) >= 3 : release.value[0] >= 2;
  const config = main === undefined ? undefined : mergeImports([main, ...read.files.slice(1)], isDeep);
  const view = config === undefined ? undefined : new ConfigView(config);
  return {
    path,
    ...read,
    ...(config !== undefined && { config }),
    ...(release !== undefined && { release }),
    kubelet: kubeletOf(kubelet),
    cni: await readCni(root, view),
    present: await findPresent(root, view),
    environment: await readEnvironment(root),
  };
}

function releaseOf(given: string | undefined, { installed }: RuntimeFacts): Fact<Release> | undefined {
  const fact: Fact<string> | undefined =
    given !== undefined
      ? { value: given, source: { t: "system", what: "--containerd-version" } }
      : typeof installed === "object"
        ? installed
        : undefined;
  const value = fact === undefined ? undefined : parseRelease(fact.value);
  return fact === undefined || value === undefined ? undefined : { value, source: fact.source };
}

async function readFiles(root: HostRoot, path: string): Promise<Pick<DoctorFacts, "files" | "unreadable">> {
  try {
    return { files: (await readContainerdConfig(root, path)) ?? [] };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const why = messageOf(error);
    const line = /line (\d+)/.exec(why)?.[1];
    const at = /^(\/[^:]+):/.exec(why)?.[1] ?? path;
    return {
      files: [],
      unreadable: { why, source: { t: "file", path: at, ...(line !== undefined && { line: Number(line) }) } },
    };
  }
}

function kubeletOf(kubelet: KubeletFacts): DoctorKubelet {
  const find = (flag: string, field?: string) =>
    findKubeletSetting(kubelet, field === undefined ? { flag } : { flag, field });
  const { version } = kubelet;
  const found = {
    minor: version === undefined ? undefined : { value: version.value.minor, source: version.source },
    cgroupDriver: find("cgroup-driver", "cgroupDriver"),
    sandboxImage: find("pod-infra-container-image"),
    cniBinDir: find("cni-bin-dir"),
    cniConfDir: find("cni-conf-dir"),
  };
  return Object.fromEntries(Object.entries(found).filter(([, fact]) => fact !== undefined));
}

async function readCni(root: HostRoot, view: ConfigView | undefined): Promise<DoctorCni> {
  const conf = view?.runtime("cni", "conf_dir")?.value;
  const directory = typeof conf === "string" && conf !== "" ? conf : "/etc/cni/net.d";
  const bins = view?.runtime("cni", "bin_dirs")?.value;
  const listed = Array.isArray(bins) ? bins.filter((one): one is string => typeof one === "string" && one !== "") : [];
  const binDirectories = listed.length > 0 ? listed : ["/opt/cni/bin"];
  const files: HostText[] = [];
  for (const name of await root.list(directory)) {
    const text = /\.(conf|conflist|json)$/.test(name) ? await root.findText(`${directory}/${name}`) : undefined;
    if (text !== undefined) files.push({ path: `${directory}/${name}`, text });
  }
  const plugins = await Promise.all(binDirectories.map(async (one) => await root.list(one)));
  return { directory, files, binDirectories, plugins: new Set(plugins.flat()) };
}

async function findPresent(root: HostRoot, view: ConfigView | undefined): Promise<Set<string>> {
  const present = new Set<string>();
  for (const { options } of view?.handlers ?? []) {
    const path = options["BinaryName"];
    if (typeof path === "string" && path.startsWith("/") && (await root.exists(path))) present.add(path);
  }
  return present;
}

async function readEnvironment(root: HostRoot): Promise<Record<string, Fact<string>>> {
  const unit = await readUnit(root, "containerd.service");
  const environment: Record<string, Fact<string>> = {};
  for (const { path, line, value } of unit === undefined ? [] : listSettings(unit, "Service", "Environment")) {
    for (const { text } of splitWords(value, { start: 0, end: value.length })) {
      const [name = "", ...rest] = text.split("=");
      environment[name] = { value: rest.join("="), source: { t: "file", path, line } };
    }
  }
  return environment;
}
