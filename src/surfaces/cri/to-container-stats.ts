import { nowNs } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { isUp } from "#engine/container-machine.ts";
import { containerStats } from "#engine/container-stats.ts";
import { getSnapshotter } from "#engine/get-snapshotter.ts";
import type { Cri } from "./cri.ts";
import type { ContainerRecord } from "./records.ts";

/** A reading; undefined when the container does not run. */
export async function readTaskStats(call: Call, { engine }: Cri, container: Container): Promise<TaskStats | undefined> {
  if (!isUp(container.status)) return undefined;
  try {
    return await containerStats(call, engine, container.id);
  } catch (error) {
    // It ended in between.
    if (isKind(error, "conflict", "notFound", "failedPrecondition")) return undefined;
    throw error;
  }
}

export async function toContainerStats(
  call: Call,
  cri: Cri,
  { container, record }: { container: Container; record: ContainerRecord },
) {
  const { id, snapshotKey } = container;
  const [stats, disk] = await Promise.all([readTaskStats(call, cri, container), readDisk(call, cri, container)]);
  return {
    attributes: {
      id,
      metadata: { name: record.name, attempt: record.attempt },
      labels: record.labels,
      annotations: record.annotations,
    },
    writableLayer: {
      timestamp: nowNs(),
      fsId: { mountpoint: `${cri.engine.settings.rootDirectory}/snapshots/${container.snapshotter}/${snapshotKey}` },
      usedBytes: { value: BigInt(disk.sizeBytes) },
      inodesUsed: { value: BigInt(disk.inodes) },
    },
    ...(stats !== undefined && {
      cpu: toCpu(cri, id, stats),
      memory: toMemory(stats),
      swap: toSwap(stats),
      io: toIo(stats),
    }),
  };
}

/** Of the writable layer, at most ten seconds old. */
export async function readDisk(call: Call, { engine, usage }: Cri, container: Container) {
  return await usage.disk(container.id, async () => {
    try {
      return await getSnapshotter(engine, container).usage(call, container.snapshotKey);
    } catch (error) {
      if (isKind(error, "notFound")) return { sizeBytes: 0, inodes: 0 };
      throw error;
    }
  });
}

export function toCpu({ usage }: Cri, id: string, stats: TaskStats) {
  const { readAtNs, cpu, psi } = stats;
  return {
    timestamp: readAtNs,
    usageCoreNanoSeconds: { value: cpu.usageNs },
    usageNanoCores: { value: usage.nanoCores(id, readAtNs, cpu.usageNs) },
    ...(psi !== undefined && { psi: toPsi(psi.cpu) }),
  };
}

export function toMemory({ readAtNs, memory, psi }: TaskStats) {
  const limited = memory.limitBytes > 0 && memory.limitBytes < Number.MAX_SAFE_INTEGER;
  return {
    timestamp: readAtNs,
    workingSetBytes: value(memory.workingSetBytes),
    availableBytes: value(limited ? Math.max(0, memory.limitBytes - memory.workingSetBytes) : 0),
    usageBytes: value(memory.usageBytes),
    rssBytes: value(memory.rssBytes),
    pageFaults: value(memory.detail["pgfault"] ?? 0),
    majorPageFaults: value(memory.detail["pgmajfault"] ?? 0),
    ...(psi !== undefined && { psi: toPsi(psi.memory) }),
  };
}

export function toIo({ readAtNs, psi }: TaskStats) {
  return { timestamp: readAtNs, ...(psi !== undefined && { psi: toPsi(psi.io) }) };
}

function toSwap({ readAtNs, memory }: TaskStats) {
  return { timestamp: readAtNs, swapUsageBytes: value(memory.detail["swap"] ?? 0) };
}

function toPsi({ someTotalUs, fullTotalUs }: { someTotalUs: number; fullTotalUs: number }) {
  return { Some: { Total: BigInt(Math.round(someTotalUs)) }, Full: { Total: BigInt(Math.round(fullTotalUs)) } };
}

/** A count on the wire. */
export function value(count: number): { readonly value: bigint } {
  return { value: BigInt(Math.max(0, Math.round(count))) };
}
