import { access, readFile } from "node:fs/promises";
import { release } from "node:os";
import { findDefaultApparmorProfile } from "../check-apparmor-profile.ts";
import { knownCapabilities } from "./capabilities.ts";
import type { HostFacts } from "./spec-facts.ts";

/**
 * Reads once, at start, what specs need to know of the machine and the daemon's own rights. `restrictOomScoreAdj`: no
 * container gets a score below the daemon's, also where the kernel would allow it.
 */
export async function readHostFacts({ restrictOomScoreAdj = false } = {}): Promise<HostFacts> {
  const status = await readFile("/proc/self/status", "utf8");
  const capabilities = readCapabilities(status);
  const mayRaise = capabilities.effective.includes("CAP_SYS_RESOURCE");
  const cgroupVersion = (await exists("/sys/fs/cgroup/cgroup.controllers")) ? 2 : 1;
  const defaultApparmorProfile = await findDefaultApparmorProfile();
  const score = Number(await readFile("/proc/self/oom_score_adj", "utf8"));
  return {
    arch: process.arch,
    kernel: parseKernel(release()),
    capabilities: capabilities.bounding,
    cgroupVersion,
    seccomp: /^Seccomp:/m.test(status),
    mqueue: await exists("/dev/mqueue"),
    apparmor: (await readText("/sys/module/apparmor/parameters/enabled")).startsWith("Y"),
    selinux: await exists("/sys/fs/selinux/enforce"),
    swapLimit: cgroupVersion === 2 || (await exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")),
    sysctls: new Set(await filterExisting(defaultSysctls, (name) => `/proc/sys/${name.replaceAll(".", "/")}`)),
    maskedPaths: await filterExisting(await thermalPaths(), (path) => path),
    ...(defaultApparmorProfile !== undefined && { defaultApparmorProfile }),
    ...(!mayRaise && { rlimitCeilings: await readCeilings() }),
    ...((!mayRaise || restrictOomScoreAdj) && { oomScoreFloor: score }),
  };
}

const defaultSysctls = ["net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"];

/** Counters of each CPU that tell what others on the machine do. Source: moby GHSA-6fw5-f8r9-fgfm. */
async function thermalPaths(): Promise<string[]> {
  const range = /-(\d+)\s*$/.exec(await readText("/sys/devices/system/cpu/possible"));
  const last = Math.min(Number(range?.[1] ?? 0), 8191);
  return Array.from({ length: last + 1 }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`);
}

function readCapabilities(status: string): { bounding: string[]; effective: string[] } {
  const set = (field: string) => {
    const bits = BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0"}`);
    return knownCapabilities.filter((_, bit) => (bits >> BigInt(bit)) & 1n);
  };
  return { bounding: set("CapBnd"), effective: set("CapEff") };
}

/** `Max open files  1024  4096  files` of /proc/self/limits, by the OCI name. */
async function readCeilings(): Promise<Record<string, number>> {
  const ceilings: Record<string, number> = {};
  const text = await readFile("/proc/self/limits", "utf8");
  for (const [label, type] of Object.entries(limitLabels)) {
    const hard = new RegExp(`^Max ${label}\\s+\\S+\\s+(\\S+)`, "m").exec(text)?.[1];
    if (hard !== undefined && hard !== "unlimited") ceilings[`RLIMIT_${type}`] = Number(hard);
  }
  return ceilings;
}

const limitLabels = {
  "cpu time": "CPU",
  "file size": "FSIZE",
  "data size": "DATA",
  "stack size": "STACK",
  "core file size": "CORE",
  "resident set": "RSS",
  processes: "NPROC",
  "open files": "NOFILE",
  "locked memory": "MEMLOCK",
  "address space": "AS",
  "file locks": "LOCKS",
  "pending signals": "SIGPENDING",
  "msgqueue size": "MSGQUEUE",
  "nice priority": "NICE",
  "realtime priority": "RTPRIO",
  "realtime timeout": "RTTIME",
};

function parseKernel(text: string): { major: number; minor: number } {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major), minor: Number(minor) };
}

async function filterExisting<T>(items: readonly T[], pathOf: (item: T) => string): Promise<T[]> {
  const found = await Promise.all(items.map((item) => exists(pathOf(item))));
  return items.filter((_, at) => found[at]);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}
