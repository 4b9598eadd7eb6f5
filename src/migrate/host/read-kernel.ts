import type { HostRoot } from "./host-root.ts";

/** Kernel settings a node needs, as they will be after the next boot. */
export type KernelFacts = {
  /** Undefined in a copy, where no cgroup is mounted. */
  readonly cgroupVersion: 1 | 2 | undefined;
  /** Modules that are loaded at boot. */
  readonly modules: ReadonlySet<string>;
  /** Values set at boot, by dotted name. */
  readonly sysctls: ReadonlyMap<string, string>;
};

const modulePaths = ["/usr/lib/modules-load.d", "/lib/modules-load.d", "/run/modules-load.d", "/etc/modules-load.d"];
const sysctlPaths = ["/usr/lib/sysctl.d", "/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"];

/** Reads modules-load.d(5) and sysctl.d(5) with their precedence. */
export async function readKernel(root: HostRoot): Promise<KernelFacts> {
  const modules = new Set<string>();
  for (const text of [...(await readAll(root, modulePaths)), (await root.findText("/etc/modules")) ?? ""]) {
    for (const line of settingLines(text)) modules.add(line.split(/\s/)[0]?.replaceAll("-", "_") ?? "");
  }
  const sysctls = new Map<string, string>();
  for (const text of [...(await readAll(root, sysctlPaths)), (await root.findText("/etc/sysctl.conf")) ?? ""]) {
    for (const line of settingLines(text)) {
      const match = /^-?([^=\s]+)\s*=\s*(.*)$/.exec(line);
      if (match !== null) sysctls.set((match[1] ?? "").replaceAll("/", "."), match[2] ?? "");
    }
  }
  return { cgroupVersion: await findCgroupVersion(root), modules, sysctls };
}

/** Of the host whose `/sys` is there; a copy mostly has none. */
export async function findCgroupVersion(root: HostRoot): Promise<1 | 2 | undefined> {
  if (await root.exists("/sys/fs/cgroup/cgroup.controllers")) return 2;
  return (await root.exists("/sys/fs/cgroup/memory")) ? 1 : undefined;
}

/** Files of all directories by name; of one name, that of the last directory. */
async function readAll(root: HostRoot, directories: readonly string[]): Promise<string[]> {
  const byName = new Map<string, string>();
  for (const directory of directories) {
    for (const name of await root.list(directory)) {
      if (name.endsWith(".conf")) byName.set(name, (await root.findText(`${directory}/${name}`)) ?? "");
    }
  }
  return [...byName.keys()].sort().map((name) => byName.get(name) ?? "");
}

function settingLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^[#;]/.test(line));
}
