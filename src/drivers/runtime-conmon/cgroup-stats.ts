import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nowNs } from "#base/clock.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { controllerPath, type CgroupPaths } from "./cgroup-paths.ts";
import { parseNetDev } from "#core/tasks/parse-net-dev.ts";

type Blkio = TaskStats["blkio"][number];

/** What a task uses. A file that is not there leaves its numbers at zero or out. */
export async function readStats(paths: CgroupPaths, pid: number): Promise<TaskStats> {
  const [cgroup, netDev] = await Promise.all([
    paths.version === 2 ? readV2(paths.path) : readV1(paths),
    readText(`/proc/${pid}/net/dev`),
  ]);
  return { readAtNs: nowNs(), ...cgroup, networks: parseNetDev(netDev) };
}

type CgroupStats = Omit<TaskStats, "readAtNs" | "networks">;

/** Source: Linux Documentation/admin-guide/cgroup-v2.rst. */
async function readV2(directory: string): Promise<CgroupStats> {
  const file = (name: string) => readText(join(directory, name));
  const [cpuText, memoryText, current, max, peak, events, pids, pidsMax, io] = await Promise.all([
    file("cpu.stat"),
    file("memory.stat"),
    file("memory.current"),
    file("memory.max"),
    file("memory.peak"),
    file("memory.events"),
    file("pids.current"),
    file("pids.max"),
    file("io.stat"),
  ]);
  const cpu = parseKeyed(cpuText);
  const memory = parseKeyed(memoryText);
  const usageBytes = toNumber(current);
  const us = (name: string) => BigInt(cpu[name] ?? 0) * 1000n;
  const psi = await readPsi(directory);
  return {
    cpu: {
      usageNs: us("usage_usec"),
      userNs: us("user_usec"),
      systemNs: us("system_usec"),
      periods: cpu["nr_periods"] ?? 0,
      throttledPeriods: cpu["nr_throttled"] ?? 0,
      throttledNs: us("throttled_usec"),
    },
    memory: {
      usageBytes,
      limitBytes: toLimit(max),
      ...(peak.trim() !== "" && { peakBytes: toNumber(peak) }),
      workingSetBytes: Math.max(0, usageBytes - (memory["inactive_file"] ?? 0)),
      rssBytes: memory["anon"] ?? 0,
      failures: parseKeyed(events)["max"] ?? 0,
      detail: memory,
    },
    pids: pidsOf(pids, pidsMax),
    blkio: parseIoStat(io),
    ...(psi !== undefined && { psi }),
  };
}

/** Source: Linux Documentation/admin-guide/cgroup-v1/. */
async function readV1(paths: CgroupPaths): Promise<CgroupStats> {
  const file = (controller: string, name: string) => {
    const directory = controllerPath(paths, controller);
    return directory === undefined ? Promise.resolve("") : readText(join(directory, name));
  };
  const [usage, perCpu, split, throttling, memoryText, current, max, peak, failures, pids, pidsMax, bytes, operations] =
    await Promise.all([
      file("cpuacct", "cpuacct.usage"),
      file("cpuacct", "cpuacct.usage_percpu"),
      file("cpuacct", "cpuacct.stat"),
      file("cpu", "cpu.stat"),
      file("memory", "memory.stat"),
      file("memory", "memory.usage_in_bytes"),
      file("memory", "memory.limit_in_bytes"),
      file("memory", "memory.max_usage_in_bytes"),
      file("memory", "memory.failcnt"),
      file("pids", "pids.current"),
      file("pids", "pids.max"),
      file("blkio", "blkio.throttle.io_service_bytes_recursive"),
      file("blkio", "blkio.throttle.io_serviced_recursive"),
    ]);
  const memory = parseKeyed(memoryText);
  const cpu = parseKeyed(throttling);
  const ticks = parseKeyed(split);
  const usageBytes = toNumber(current);
  return {
    cpu: {
      usageNs: BigInt(toNumber(usage)),
      userNs: BigInt(ticks["user"] ?? 0) * nsPerTick,
      systemNs: BigInt(ticks["system"] ?? 0) * nsPerTick,
      perCpuNs: perCpu
        .split(/\s+/)
        .filter((text) => text !== "")
        .map(BigInt),
      periods: cpu["nr_periods"] ?? 0,
      throttledPeriods: cpu["nr_throttled"] ?? 0,
      throttledNs: BigInt(cpu["throttled_time"] ?? 0),
    },
    memory: {
      usageBytes,
      limitBytes: toLimit(max),
      peakBytes: toNumber(peak),
      workingSetBytes: Math.max(0, usageBytes - (memory["total_inactive_file"] ?? 0)),
      rssBytes: memory["total_rss"] ?? memory["rss"] ?? 0,
      failures: toNumber(failures),
      detail: memory,
    },
    pids: pidsOf(pids, pidsMax),
    blkio: parseV1Blkio(bytes, operations),
  };
}

/** USER_HZ is 100 on every architecture that matters. */
const nsPerTick = 10_000_000n;

function pidsOf(current: string, max: string): TaskStats["pids"] {
  const limit = Number(max.trim());
  return { current: toNumber(current), ...(max.trim() !== "" && Number.isFinite(limit) && { limit }) };
}

/** `name value` lines. */
export function parseKeyed(text: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [name = "", value] = line.split(" ");
    if (value !== undefined) result[name] = Number(value);
  }
  return result;
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` lines. */
export function parseIoStat(text: string): Blkio[] {
  return text.split("\n").flatMap((line) => {
    const [device = "", ...pairs] = line.split(" ");
    const [major, minor] = device.split(":").map(Number);
    if (major === undefined || minor === undefined) return [];
    const values = parseKeyed(pairs.map((pair) => pair.replace("=", " ")).join("\n"));
    return [
      { major, minor, op: "read" as const, bytes: values["rbytes"] ?? 0, operations: values["rios"] ?? 0 },
      { major, minor, op: "write" as const, bytes: values["wbytes"] ?? 0, operations: values["wios"] ?? 0 },
    ];
  });
}

/** `8:0 Read 4096` lines of two files. */
export function parseV1Blkio(bytes: string, operations: string): Blkio[] {
  const counts = parseV1BlkioFile(operations);
  return [...parseV1BlkioFile(bytes)].map(([key, value]) => {
    const [major = 0, minor = 0] = key.split(/[: ]/, 2).map(Number);
    const op = key.endsWith("Read") ? ("read" as const) : ("write" as const);
    return { major, minor, op, bytes: value, operations: counts.get(key) ?? 0 };
  });
}

function parseV1BlkioFile(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const match of text.matchAll(/^(\d+:\d+ (?:Read|Write)) (\d+)$/gm)) values.set(match[1] ?? "", Number(match[2]));
  return values;
}

async function readPsi(directory: string): Promise<TaskStats["psi"] | undefined> {
  const [cpu, memory, io] = await Promise.all(
    ["cpu", "memory", "io"].map((name) => readText(join(directory, `${name}.pressure`))),
  );
  if (cpu === undefined || memory === undefined || io === undefined || cpu === "") return undefined;
  return { cpu: parsePsi(cpu), memory: parsePsi(memory), io: parsePsi(io) };
}

export function parsePsi(text: string): { someTotalUs: number; fullTotalUs: number } {
  const total = (kind: string) => Number(new RegExp(`^${kind} .*total=(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return { someTotalUs: total("some"), fullTotalUs: total("full") };
}

function toNumber(text: string): number {
  const value = Number(text.trim());
  return Number.isFinite(value) ? value : 0;
}

/** `max`, or v1's page-rounded 2^63, is no limit: the largest safe number. */
function toLimit(text: string): number {
  const value = Number(text.trim());
  return text.trim() === ""
    ? 0
    : Number.isFinite(value)
      ? Math.min(value, Number.MAX_SAFE_INTEGER)
      : Number.MAX_SAFE_INTEGER;
}

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}
