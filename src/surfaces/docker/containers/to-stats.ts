import { exactInteger } from "../exact-integer.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { goTime } from "../go-time.ts";

/** One reading, with the machine's own CPU time at that moment. */
export type StatsReading = { readonly stats: TaskStats; readonly systemCpuNs: bigint };

export type StatsOptions = {
  readonly id: string;
  readonly name: string;
  readonly onlineCpus: number;
  readonly cgroupVersion: 1 | 2;
  readonly machineMemoryBytes: number;
};

/** `docker stats`: a reading and the one before it. Source: moby api/types/container/stats.go. */
export function toStats(
  now: StatsReading | undefined,
  before: StatsReading | undefined,
  options: StatsOptions,
): Record<string, unknown> {
  return {
    name: `/${options.name}`,
    id: options.id,
    read: goTime(now?.stats.readAtNs),
    preread: goTime(before?.stats.readAtNs),
    num_procs: 0,
    storage_stats: {},
    pids_stats: now === undefined ? {} : toPids(now.stats),
    blkio_stats: toBlkio(now?.stats),
    cpu_stats: toCpu(now, options),
    precpu_stats: toCpu(before, options),
    memory_stats: now === undefined ? {} : toMemory(now.stats, options),
    ...(now === undefined || Object.keys(now.stats.networks).length === 0
      ? {}
      : { networks: toNetworkStats(now.stats) }),
  };
}

function toPids({ pids }: TaskStats) {
  return { current: pids.current, ...(pids.limit === undefined ? {} : { limit: pids.limit }) };
}

function toCpu(reading: StatsReading | undefined, { onlineCpus }: StatsOptions) {
  const cpu = reading?.stats.cpu;
  return {
    cpu_usage: {
      total_usage: exactInteger(cpu?.usageNs ?? 0n),
      ...(cpu?.perCpuNs === undefined ? {} : { percpu_usage: cpu.perCpuNs.map(exactInteger) }),
      usage_in_kernelmode: exactInteger(cpu?.systemNs ?? 0n),
      usage_in_usermode: exactInteger(cpu?.userNs ?? 0n),
    },
    ...(reading === undefined ? {} : { system_cpu_usage: exactInteger(reading.systemCpuNs), online_cpus: onlineCpus }),
    throttling_data: {
      periods: cpu?.periods ?? 0,
      throttled_periods: cpu?.throttledPeriods ?? 0,
      throttled_time: exactInteger(cpu?.throttledNs ?? 0n),
    },
  };
}

function toMemory({ memory }: TaskStats, { cgroupVersion, machineMemoryBytes }: StatsOptions) {
  return {
    usage: memory.usageBytes,
    ...(cgroupVersion === 1 ? { max_usage: memory.peakBytes ?? 0, failcnt: memory.failures ?? 0 } : {}),
    stats: memory.detail,
    // No limit reads as a number larger than the machine.
    limit: Math.min(memory.limitBytes === 0 ? machineMemoryBytes : memory.limitBytes, machineMemoryBytes),
  };
}

function toBlkio(stats: TaskStats | undefined) {
  const entries = stats?.blkio ?? [];
  const list = (value: (entry: TaskStats["blkio"][number]) => number) =>
    entries.map((entry) => ({ major: entry.major, minor: entry.minor, op: entry.op, value: value(entry) }));
  return {
    io_service_bytes_recursive: list(({ bytes }) => bytes),
    io_serviced_recursive: list(({ operations }) => operations),
    io_queue_recursive: [],
    io_service_time_recursive: [],
    io_wait_time_recursive: [],
    io_merged_recursive: [],
    io_time_recursive: [],
    sectors_recursive: [],
  };
}

function toNetworkStats({ networks }: TaskStats) {
  const entries = Object.entries(networks).map(([name, it]) => [
    name,
    {
      rx_bytes: it.rxBytes,
      rx_packets: it.rxPackets,
      rx_errors: it.rxErrors,
      rx_dropped: it.rxDropped,
      tx_bytes: it.txBytes,
      tx_packets: it.txPackets,
      tx_errors: it.txErrors,
      tx_dropped: it.txDropped,
    },
  ]);
  return Object.fromEntries(entries) as unknown;
}
