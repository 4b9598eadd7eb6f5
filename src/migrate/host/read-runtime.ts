import type { HostRoot } from "./host-root.ts";
import type { Packages } from "./read-packages.ts";
import type { HostText } from "./read-unit.ts";
import { readUnitStates, type UnitFacts } from "./read-unit-state.ts";
import type { RunningHost } from "./running-host.ts";
import type { Fact } from "./source.ts";

/** A runtime other than Docker that is, or is to be, on the host. */
export type RuntimeFacts = {
  /** Where it is. */
  readonly program: string | undefined;
  /** Undefined when its program is not there. */
  readonly installed: Fact<string> | "unknown-version" | undefined;
  /** Its main configuration file. */
  readonly config: HostText | undefined;
  /** Those of its units that are there, in the order they are started. */
  readonly units: readonly UnitFacts[];
  /** Where it keeps what must outlive a boot, unless its configuration says otherwise. */
  readonly root: string;
  /** There are blobs of images in it. */
  readonly hasContent: boolean;
};

type Described = {
  readonly binaries: readonly string[];
  readonly packages: readonly string[];
  readonly config: string;
  readonly units: readonly string[];
  readonly version: RegExp;
  readonly root: string;
  /** Below its root. */
  readonly blobs: string;
};

/** Where each runtime keeps what we ask for. */
export const runtimes = {
  containerd: {
    binaries: ["/usr/bin/containerd", "/usr/local/bin/containerd"],
    packages: ["containerd.io", "containerd"],
    config: "/etc/containerd/config.toml",
    units: ["containerd.service"],
    root: "/var/lib/containerd",
    blobs: "io.containerd.content.v1.content/blobs/sha256",
    version: /\bv?(\d+\.\d+\.\d+\S*)/,
  },
  "cri-dockerd": {
    binaries: ["/usr/bin/cri-dockerd", "/usr/local/bin/cri-dockerd"],
    packages: ["cri-dockerd"],
    config: "/etc/systemd/system/cri-docker.service.d/10-kubelet.conf",
    units: ["cri-docker.socket", "cri-docker.service"],
    root: "/var/lib/cri-dockerd",
    blobs: "",
    version: /\b(\d+\.\d+\.\d+\S*)/,
  },
  ferry: {
    binaries: ["/usr/bin/ferryd", "/usr/local/bin/ferryd"],
    packages: ["ferry"],
    config: "/etc/ferry/config.toml",
    units: ["ferryd.service"],
    root: "/var/lib/ferry",
    blobs: "content/blobs/sha256",
    version: /\b(\d+\.\d+\.\d+\S*)/,
  },
} as const satisfies Record<string, Described>;

type Sources = { readonly root: HostRoot; readonly running?: RunningHost | undefined; readonly packages: Packages };

/** Whether a runtime is installed, in which version, how it is configured. */
export async function readRuntime(sources: Sources, name: keyof typeof runtimes): Promise<RuntimeFacts> {
  const { root } = sources;
  const described: Described = runtimes[name];
  const program = await findProgram(root, described);
  const text = await root.findText(described.config);
  // A line of TOML at the top of its file, or in Ferry's first table.
  const dataRoot = /^root\s*=\s*["'](\/[^"']+)["']/m.exec(text ?? "")?.[1] ?? described.root;
  return {
    program,
    installed: await findInstalled(sources, described, program),
    config: text === undefined ? undefined : { path: described.config, text },
    units: await readUnitStates(sources, described.units),
    root: dataRoot,
    hasContent: (await root.list(`${dataRoot}/${described.blobs}`)).length > 0,
  };
}

/** The version that is known, or undefined. */
export function runtimeVersion({ installed }: RuntimeFacts): string | undefined {
  return typeof installed === "object" ? installed.value : undefined;
}

async function findInstalled({ running, packages }: Sources, described: Described, program: string | undefined) {
  const known = packaged(packages, described);
  if (program === undefined) return known;
  const said = await running?.ask([program, "--version"]);
  const value = described.version.exec(said ?? "")?.[1];
  if (value === undefined) return known ?? "unknown-version";
  return { value, source: { t: "system", what: `${program} --version` } } as const;
}

async function findProgram(root: HostRoot, { binaries }: Described): Promise<string | undefined> {
  for (const path of binaries) if (await root.exists(path)) return path;
  return undefined;
}

function packaged(packages: Packages, { packages: names }: Described): Fact<string> | undefined {
  return names.map((name) => packages.find(name)).find((found) => found !== undefined);
}
