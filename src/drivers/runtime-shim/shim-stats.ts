import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import type { ProtoFields } from "./protobuf.ts";

type Metrics = { readonly typeUrl: string; readonly metrics: ProtoFields };
type CgroupStats = Omit<TaskStats, "readAtNs" | "networks">;

/**
 * A shim's metrics as ours. `networks` are read by the caller, in the container's own Linux network namespace.
 *
 * Source: containerd/cgroups cgroup1/stats/metrics.proto, cgroup2/stats/metrics.proto.
 * @throws notImplemented for metrics of another kind
 */
export function toTaskStats({ typeUrl, metrics }: Metrics, networks: TaskStats["networks"]): TaskStats {
  const name = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  if (name === "io.containerd.cgroups.v1.Metrics") return { readAtNs: nowNs(), ...fromV1(metrics), networks };
  if (name === "io.containerd.cgroups.v2.Metrics") return { readAtNs: nowNs(), ...fromV2(metrics), networks };
  throw new EngineError("notImplemented", `shim: metrics of the type ${name}`);
}

/** Whether the kernel killed in this cgroup for want of memory. */
export function hasOomKill({ typeUrl, metrics }: Metrics): boolean {
  return typeUrl.endsWith("v1.Metrics") ? metrics.message(9).bigint(3) > 0n : metrics.message(8).bigint(5) > 0n;
}

const us = 1000n;

function fromV1(metrics: ProtoFields): CgroupStats {
  const [cpu, memory] = [metrics.message(3), metrics.message(4)];
  const [usage, throttling, used] = [cpu.message(1), cpu.message(2), memory.message(33)];
  return {
    cpu: {
      usageNs: usage.bigint(1),
      systemNs: usage.bigint(2),
      userNs: usage.bigint(3),
      perCpuNs: usage.bigints(4),
      periods: throttling.number(1),
      throttledPeriods: throttling.number(2),
      throttledNs: throttling.bigint(3),
    },
    memory: {
      usageBytes: used.number(2),
      limitBytes: used.number(1),
      peakBytes: used.number(3),
      workingSetBytes: Math.max(0, used.number(2) - memory.number(30)),
      rssBytes: memory.number(19),
      failures: used.number(4),
      detail: detailOf(memory, v1MemoryNames),
    },
    pids: pidsOf(metrics.message(2)),
    blkio: v1Blkio(metrics.message(5)),
  };
}

function fromV2(metrics: ProtoFields): CgroupStats {
  const [cpu, memory] = [metrics.message(2), metrics.message(4)];
  return {
    cpu: {
      usageNs: cpu.bigint(1) * us,
      userNs: cpu.bigint(2) * us,
      systemNs: cpu.bigint(3) * us,
      periods: cpu.number(4),
      throttledPeriods: cpu.number(5),
      throttledNs: cpu.bigint(6) * us,
    },
    memory: {
      usageBytes: memory.number(32),
      limitBytes: memory.number(33),
      workingSetBytes: Math.max(0, memory.number(32) - memory.number(13)),
      rssBytes: memory.number(1),
      failures: metrics.message(8).number(3),
      detail: detailOf(memory, v2MemoryNames),
    },
    pids: pidsOf(metrics.message(1)),
    blkio: metrics
      .message(6)
      .messages(1)
      .flatMap((entry) => {
        const device = { major: entry.number(1), minor: entry.number(2) };
        return [
          { ...device, op: "read" as const, bytes: entry.number(3), operations: entry.number(5) },
          { ...device, op: "write" as const, bytes: entry.number(4), operations: entry.number(6) },
        ];
      }),
  };
}

/** Zero and the largest number are no limit. */
function pidsOf(pids: ProtoFields): TaskStats["pids"] {
  const limit = pids.number(2);
  return { current: pids.number(1), ...(limit > 0 && limit < Number.MAX_SAFE_INTEGER && { limit }) };
}

/** Two lists of the same entries (operation 1, major 3, minor 4, value 5): bytes 1, operations 2. */
function v1Blkio(blkio: ProtoFields): TaskStats["blkio"] {
  const keyOf = (entry: ProtoFields) => `${entry.number(3)}:${entry.number(4)} ${entry.string(1).toLowerCase()}`;
  const operations = new Map(blkio.messages(2).map((entry) => [keyOf(entry), entry.number(5)]));
  return blkio.messages(1).flatMap((entry) => {
    const op = entry.string(1).toLowerCase();
    if (op !== "read" && op !== "write") return [];
    const device = { major: entry.number(3), minor: entry.number(4) };
    return [{ ...device, op, bytes: entry.number(5), operations: operations.get(keyOf(entry)) ?? 0 }];
  });
}

function detailOf(memory: ProtoFields, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name, at) => [name, memory.number(at + 1)]));
}

/** By field number, from 1, as `memory.stat` names them. */
const v1MemoryNames = (
  "cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault inactive_anon active_anon " +
  "inactive_file active_file unevictable hierarchical_memory_limit hierarchical_memsw_limit total_cache total_rss " +
  "total_rss_huge total_mapped_file total_dirty total_writeback total_pgpgin total_pgpgout total_pgfault " +
  "total_pgmajfault total_inactive_anon total_active_anon total_inactive_file total_active_file total_unevictable"
).split(" ");

const v2MemoryNames = (
  "anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon " +
  "inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault workingset_refault " +
  "workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed " +
  "thp_fault_alloc thp_collapse_alloc"
).split(" ");
