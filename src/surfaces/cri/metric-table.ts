import type { Container } from "#core/containers/container.ts";
import type { SnapshotUsage } from "#core/snapshots/snapshotter.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import type { FilesystemRoom, ProcessUsage } from "#engine/process-usage.ts";

/** What is known of one container at one moment. */
export type MetricFacts = {
  readonly container: Container;
  readonly stats: TaskStats;
  readonly disk: SnapshotUsage;
  readonly room: FilesystemRoom;
  readonly processes: ProcessUsage;
};

/** One value; `labels` are those that `MetricRow.labels` names. */
export type Sample = { readonly labels?: readonly string[]; readonly value: number };

export type MetricRow = {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** Keys of its own, after the common ones. */
  readonly labels?: readonly string[];
  readonly read: (facts: MetricFacts) => readonly Sample[];
};

const one = (value: number): Sample[] => [{ value }];
const seconds = (ns: bigint): Sample[] => one(Number(ns / 1_000_000n) / 1000);
const detail = (facts: MetricFacts, ...names: string[]) => {
  const name = names.find((it) => it in facts.stats.memory.detail);
  return name === undefined ? 0 : (facts.stats.memory.detail[name] ?? 0);
};
const limit = (bytes: number | undefined) => one(bytes === undefined || bytes >= Number.MAX_SAFE_INTEGER ? 0 : bytes);
const device = ["device"];
const onDisk = (value: number): Sample[] => [{ labels: ["root"], value }];

/** Bytes or operations of a direction, one sample for each device. */
const blkio = (op: "read" | "write", pick: "bytes" | "operations") => (facts: MetricFacts) =>
  facts.stats.blkio
    .filter((it) => it.op === op)
    .map((it) => ({ labels: [`${it.major}:${it.minor}`], value: it[pick] }));

const failures = (facts: MetricFacts): Sample[] =>
  ["container", "hierarchy"].flatMap((scope) => {
    const prefix = scope === "hierarchy" ? "total_" : "";
    return [
      { labels: ["pgfault", scope], value: detail(facts, `${prefix}pgfault`, "pgfault") },
      { labels: ["pgmajfault", scope], value: detail(facts, `${prefix}pgmajfault`, "pgmajfault") },
    ];
  });

/** A container's metrics, by cAdvisor's names. Source: cAdvisor docs/storage/prometheus.md. */
export const containerMetrics: readonly MetricRow[] = [
  counter("container_cpu_usage_seconds_total", "CPU time used", ({ stats }) => seconds(stats.cpu.usageNs)),
  counter("container_cpu_user_seconds_total", "CPU time used in programs", ({ stats }) => seconds(stats.cpu.userNs)),
  counter("container_cpu_system_seconds_total", "CPU time used in the kernel", ({ stats }) =>
    seconds(stats.cpu.systemNs),
  ),
  counter("container_cpu_cfs_periods_total", "Periods of the CPU quota", ({ stats }) => one(stats.cpu.periods)),
  counter("container_cpu_cfs_throttled_periods_total", "Periods in which the quota ran out", ({ stats }) =>
    one(stats.cpu.throttledPeriods),
  ),
  counter("container_cpu_cfs_throttled_seconds_total", "Time spent held back by the quota", ({ stats }) =>
    seconds(stats.cpu.throttledNs),
  ),
  gauge("container_memory_cache", "Bytes of page cache", (facts) => one(detail(facts, "total_cache", "cache", "file"))),
  gauge("container_memory_rss", "Bytes of anonymous memory", ({ stats }) => one(stats.memory.rssBytes)),
  gauge("container_memory_mapped_file", "Bytes of mapped files", (facts) =>
    one(detail(facts, "total_mapped_file", "mapped_file", "file_mapped")),
  ),
  gauge("container_memory_swap", "Bytes in swap", (facts) => one(detail(facts, "total_swap", "swap"))),
  gauge("container_memory_kernel_usage", "Bytes used by the kernel", (facts) => one(detail(facts, "kernel", "slab"))),
  gauge("container_memory_usage_bytes", "Bytes of memory used, cache counted", ({ stats }) =>
    one(stats.memory.usageBytes),
  ),
  gauge("container_memory_max_usage_bytes", "Most bytes of memory used so far", ({ stats }) =>
    one(stats.memory.peakBytes ?? stats.memory.usageBytes),
  ),
  gauge("container_memory_working_set_bytes", "Bytes of memory in use", ({ stats }) =>
    one(stats.memory.workingSetBytes),
  ),
  counter("container_memory_failcnt", "Times that the memory limit was hit", ({ stats }) =>
    one(stats.memory.failures ?? 0),
  ),
  counter("container_memory_failures_total", "Page faults", failures, ["failure_type", "scope"]),
  counter("container_oom_events_total", "Kills for want of memory", ({ container }) =>
    one(container.status.oomKilled ? 1 : 0),
  ),
  counter(
    "container_blkio_device_usage_total",
    "Bytes read and written, by device",
    (facts) => facts.stats.blkio.map((it) => ({ labels: [`${it.major}:${it.minor}`, it.op], value: it.bytes })),
    ["device", "operation"],
  ),
  counter("container_fs_reads_bytes_total", "Bytes read", blkio("read", "bytes"), device),
  counter("container_fs_reads_total", "Reads", blkio("read", "operations"), device),
  counter("container_fs_writes_bytes_total", "Bytes written", blkio("write", "bytes"), device),
  counter("container_fs_writes_total", "Writes", blkio("write", "operations"), device),
  gauge("container_fs_usage_bytes", "Bytes of the writable layer", ({ disk }) => onDisk(disk.sizeBytes), device),
  gauge("container_fs_limit_bytes", "Bytes that the filesystem holds", ({ room }) => onDisk(room.sizeBytes), device),
  gauge("container_fs_inodes_total", "Inodes of the filesystem", ({ room }) => onDisk(room.inodes), device),
  gauge("container_fs_inodes_free", "Free inodes of the filesystem", ({ room }) => onDisk(room.freeInodes), device),
  gauge("container_processes", "Processes", ({ processes }) => one(processes.processes)),
  gauge("container_threads", "Threads", ({ processes }) => one(processes.threads)),
  gauge("container_threads_max", "Most threads allowed; 0 is no limit", ({ stats }) => one(stats.pids.limit ?? 0)),
  gauge("container_file_descriptors", "Open file descriptors", ({ processes }) => one(processes.fileDescriptors)),
  gauge("container_sockets", "Open sockets", ({ processes }) => one(processes.sockets)),
  gauge("container_last_seen", "When it was looked at, in seconds", ({ stats }) =>
    one(Number(stats.readAtNs / 1_000_000_000n)),
  ),
  gauge("container_start_time_seconds", "When it was started", ({ container }) =>
    one(Number((container.status.startedAtNs ?? 0n) / 1_000_000_000n)),
  ),
  gauge("container_spec_cpu_period", "CPU period in microseconds", ({ container }) =>
    one(container.config.resources.cpuPeriodUs ?? 100_000),
  ),
  gauge("container_spec_cpu_shares", "CPU shares", ({ container }) =>
    one(container.config.resources.cpuShares ?? 1024),
  ),
  gauge("container_spec_cpu_quota", "CPU quota in microseconds; 0 is none", ({ container }) =>
    one(Math.max(0, container.config.resources.cpuQuotaUs ?? 0)),
  ),
  gauge("container_spec_memory_limit_bytes", "Memory limit; 0 is none", ({ stats }) => limit(stats.memory.limitBytes)),
  gauge("container_spec_memory_reservation_limit_bytes", "Memory reservation; 0 is none", ({ container }) =>
    limit(container.config.resources.memoryReservationBytes),
  ),
  gauge("container_spec_memory_swap_limit_bytes", "Limit of memory and swap together; 0 is none", ({ container }) =>
    limit(container.config.resources.memorySwapBytes),
  ),
];

type Counters = TaskStats["networks"][string];

/** A pod's metrics: its interfaces. */
export const networkMetrics: readonly { readonly name: string; readonly help: string; readonly of: keyof Counters }[] =
  [
    { name: "container_network_receive_bytes_total", help: "Bytes received", of: "rxBytes" },
    { name: "container_network_receive_packets_total", help: "Packets received", of: "rxPackets" },
    { name: "container_network_receive_packets_dropped_total", help: "Received packets dropped", of: "rxDropped" },
    { name: "container_network_receive_errors_total", help: "Errors while receiving", of: "rxErrors" },
    { name: "container_network_transmit_bytes_total", help: "Bytes sent", of: "txBytes" },
    { name: "container_network_transmit_packets_total", help: "Packets sent", of: "txPackets" },
    { name: "container_network_transmit_packets_dropped_total", help: "Sent packets dropped", of: "txDropped" },
    { name: "container_network_transmit_errors_total", help: "Errors while sending", of: "txErrors" },
  ];

function counter(name: string, help: string, read: MetricRow["read"], labels: readonly string[] = []): MetricRow {
  return { name, help, type: "counter", read, labels };
}

function gauge(name: string, help: string, read: MetricRow["read"], labels: readonly string[] = []): MetricRow {
  return { name, help, type: "gauge", read, labels };
}
