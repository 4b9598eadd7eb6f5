import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** What an engine may leave on a machine, by kind, sorted; two of them are compared as a whole. */
export type SystemState = {
  readonly mounts: readonly string[];
  readonly linuxNamespaces: readonly string[];
  readonly interfaces: readonly string[];
  readonly firewallRules: readonly string[];
  readonly cgroups: readonly string[];
  readonly processes: readonly string[];
  readonly leases: readonly string[];
  readonly bundles: readonly string[];
  readonly ingests: readonly string[];
  readonly snapshots: readonly string[];
};

/** The machine as far as one daemon's directories and the kernel tell. */
export async function readSystemState(root: string, state: string): Promise<SystemState> {
  return {
    mounts: await mountsBelow([root, state]),
    linuxNamespaces: await names(`${state}/netns`),
    interfaces: await interfaces(),
    firewallRules: await firewallRules(),
    cgroups: cgroups(),
    processes: await processesNaming([root, state]),
    leases: globSync(`${root}/**/{ipam,cni}/**/[0-9]*.[0-9]*`).sort(),
    bundles: globSync(`${state}/containers/*/*`).sort(),
    ingests: await names(`${root}/content/ingest`),
    snapshots: globSync(`${root}/snapshots/*/[0-9]*`).sort(),
  };
}

async function names(directory: string): Promise<string[]> {
  const entries: string[] = await readdir(directory).catch(() => []);
  return entries.sort();
}

async function mountsBelow(directories: readonly string[]): Promise<string[]> {
  const points = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => directories.some((directory) => point.startsWith(`${directory}/`))).sort();
}

async function interfaces(): Promise<string[]> {
  return (await readdir("/sys/class/net")).filter((name) => name.startsWith("veth")).sort();
}

async function firewallRules(): Promise<string[]> {
  const { stdout } = await execute("iptables-save", []);
  // Counters and comments with times differ between two reads of the same rules.
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("-A"))
    .sort();
}

/** Cgroups named by a container id. */
function cgroups(): string[] {
  return globSync("/sys/fs/cgroup/**/*")
    .filter((path) => /\/(?:ferry[^/]*|libpod-|crio-)?[0-9a-f]{64}(?:\.scope)?$/.test(path))
    .sort();
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
