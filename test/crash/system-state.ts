import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { instanceOf } from "#drivers/network-cni/instance.ts";

const execute = promisify(execFile);

/** What an engine may leave on a machine, by kind, sorted; two of them are compared as a whole. */
export type SystemState = {
  readonly mounts: readonly string[];
  readonly linuxNamespaces: readonly string[];
  readonly interfaces: readonly string[];
  readonly firewallRules: readonly string[];
  readonly cgroups: readonly string[];
  readonly processes: readonly string[];
  readonly addresses: readonly string[];
  readonly bundles: readonly string[];
  readonly exits: readonly string[];
  readonly containerDirectories: readonly string[];
  readonly ingests: readonly string[];
  readonly snapshots: readonly string[];
  readonly volumes: readonly string[];
};

/** Directories of one daemon, and the parent of its containers' cgroups (`/name`); without one of its own they are not told. */
export type Place = { readonly root: string; readonly state: string; readonly cgroupParent?: string };

/** The machine as far as it is one daemon's; other daemons may be at work beside it. */
export async function readSystemState({ root, state, cgroupParent }: Place): Promise<SystemState> {
  const { chainPrefix } = instanceOf(state);
  return {
    mounts: await mountsBelow([root, state]),
    linuxNamespaces: await names(join(state, "netns")),
    interfaces: await interfacesOf(chainPrefix.toLowerCase()),
    firewallRules: await firewallRules(chainPrefix),
    cgroups: cgroupParent === undefined ? [] : await cgroupsBelow(cgroupParent),
    processes: await processesNaming([`${root}/`, `${state}/`]),
    addresses: await filesNamed(join(state, "cni"), /^[0-9a-f]*[.:][0-9a-f.:]+$|_eth\d+$/),
    bundles: await twoLevels(join(state, "containers")),
    exits: await names(join(state, "exits")),
    containerDirectories: await twoLevels(join(root, "containers")),
    ingests: await names(join(root, "content/ingest")),
    snapshots: await filesNamed(join(root, "snapshots"), /^\d+$/, 3),
    volumes: await twoLevels(join(root, "volumes")),
  };
}

/** With no container, volume or image left, an engine that runs keeps its bridge, its chains and its own mount. */
export function demandNothingLeft(found: SystemState): void {
  const { mounts, linuxNamespaces, cgroups, addresses, bundles, exits, containerDirectories, ingests, volumes } = found;
  const ofContainers = mounts.filter((path) => !path.endsWith("/state/netns"));
  const left = { linuxNamespaces, cgroups, addresses, bundles, exits, containerDirectories, ingests, volumes };
  const nothing = Object.fromEntries(Object.keys(left).map((kind) => [kind, []]));
  assert.deepEqual({ mounts: ofContainers, ...left }, { mounts: [], ...nothing });
}

async function names(directory: string): Promise<string[]> {
  const entries: string[] = await readdir(directory).catch(() => []);
  return entries.sort();
}

async function twoLevels(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const namespace of await names(directory))
    for (const name of await names(join(directory, namespace))) found.push(`${namespace}/${name}`);
  return found;
}

/** Paths below `directory` whose last part fits. */
async function filesNamed(directory: string, pattern: RegExp, depth = 5): Promise<string[]> {
  if (depth === 0) return [];
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (pattern.test(entry.name)) found.push(path);
    else if (entry.isDirectory()) found.push(...(await filesNamed(path, pattern, depth - 1)));
  }
  return found.sort();
}

async function mountsBelow(directories: readonly string[]): Promise<string[]> {
  const points = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => directories.some((directory) => point.startsWith(`${directory}/`))).sort();
}

/** The daemon's bridges with what is plugged into them. */
async function interfacesOf(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (const bridge of (await names("/sys/class/net")).filter((name) => name.startsWith(prefix))) {
    const ports = await names(`/sys/class/net/${bridge}/brif`);
    found.push(bridge, ...ports.map((_port, index) => `${bridge} port ${index}`));
  }
  return found;
}

async function firewallRules(chainPrefix: string): Promise<string[]> {
  const { stdout } = await execute("iptables-save", []);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("-A") && line.includes(`${chainPrefix}-`))
    .sort();
}

/** On cgroup v1 in each hierarchy. */
async function cgroupsBelow(parent: string): Promise<string[]> {
  const top = "/sys/fs/cgroup";
  const hierarchies = ["", ...(await names(top))];
  const found = hierarchies.map((hierarchy) => filesNamed(join(top, hierarchy, parent), /[0-9a-f]{64}/, 3));
  return (await Promise.all(found)).flat().sort();
}

/** Command lines of processes that name one of the directories: monitors, runtimes, a daemon. */
async function processesNaming(directories: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const line = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
    if (directories.some((directory) => line.includes(directory))) found.push(line.trim());
  }
  return found.sort();
}
