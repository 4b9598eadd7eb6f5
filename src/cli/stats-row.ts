import { binarySizeText, sizeText } from "#base/size-text.ts";
import { shortId } from "./format/human.ts";
import type { Row } from "./format/print-list.ts";

/** One sample of `GET /containers/ID/stats`. */
export type Stats = {
  id?: string;
  name?: string;
  cpu_stats?: CpuStats;
  precpu_stats?: CpuStats;
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
  pids_stats?: { current?: number };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }>;
  blkio_stats?: { io_service_bytes_recursive?: { op: string; value: number }[] | null };
};

type CpuStats = {
  cpu_usage?: { total_usage?: number; percpu_usage?: number[] | null };
  system_cpu_usage?: number;
  online_cpus?: number;
};

/** A sample as the table and templates show it; `--` everywhere for a container that gave none. */
export function statsRow(container: string, stats: Stats | undefined, full: boolean): Row {
  const id = stats?.id ?? "";
  const base = {
    Container: container,
    ID: full ? id : shortId(id),
    Name: (stats?.name ?? container).replace(/^\//, ""),
  };
  if (stats === undefined) {
    return { ...base, BlockIO: "--", CPUPerc: "--", MemPerc: "--", MemUsage: "-- / --", NetIO: "--", PIDs: "--" };
  }
  const { used, limit } = memoryOf(stats);
  return {
    ...base,
    BlockIO: pair(blockBytes(stats, "read"), blockBytes(stats, "write")),
    CPUPerc: `${cpuPercent(stats).toFixed(2)}%`,
    MemPerc: `${(limit === 0 ? 0 : (used / limit) * 100).toFixed(2)}%`,
    MemUsage: `${binarySizeText(used)} / ${binarySizeText(limit)}`,
    NetIO: pair(networkBytes(stats, "rx_bytes"), networkBytes(stats, "tx_bytes")),
    PIDs: String(stats.pids_stats?.current ?? 0),
  };
}

/** Share of one CPU between the sample and the one before it, in percent. */
function cpuPercent({ cpu_stats: now, precpu_stats: before }: Stats): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const system = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const cpus = now?.online_cpus ?? now?.cpu_usage?.percpu_usage?.length ?? 1;
  return used > 0 && system > 0 ? (used / system) * cpus * 100 : 0;
}

/** Memory without the file pages that can be dropped at once (cgroup v1: `total_inactive_file`, v2: `inactive_file`). */
function memoryOf({ memory_stats: memory }: Stats): { used: number; limit: number } {
  const usage = memory?.usage ?? 0;
  const cache = memory?.stats?.["total_inactive_file"] ?? memory?.stats?.["inactive_file"] ?? 0;
  return { used: cache < usage ? usage - cache : usage, limit: memory?.limit ?? 0 };
}

function blockBytes(stats: Stats, op: string): number {
  const entries = stats.blkio_stats?.io_service_bytes_recursive ?? [];
  return entries.filter((entry) => entry.op.toLowerCase() === op).reduce((sum, entry) => sum + entry.value, 0);
}

function networkBytes(stats: Stats, key: "rx_bytes" | "tx_bytes"): number {
  return Object.values(stats.networks ?? {}).reduce((sum, network) => sum + network[key], 0);
}

function pair(a: number, b: number): string {
  return `${sizeText(a)} / ${sizeText(b)}`;
}
