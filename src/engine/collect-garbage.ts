import type { Call } from "#core/call.ts";
import type { GraphNode } from "#core/garbage/reference-graph.ts";
import type { Engine } from "./engine.ts";

/** An ingest that nobody wrote to for a day is given up. */
const ingestIdleMs = 24 * 60 * 60 * 1000;

export type GarbageCollection = {
  /** Records that nothing led to, of every namespace. */
  readonly removed: readonly GraphNode[];
  readonly removedBlobs: number;
  readonly removedSnapshots: number;
  /** Of blobs and ingests. */
  readonly removedBytes: number;
};

/**
 * Removes what nothing leads to: first the records, in one transaction, then their bytes. One at a time.
 *
 * Aborting ends it between two files; the rest goes with the next one. A snapshotter that fails does not keep the
 * others from theirs.
 *
 * @throws the first failure, when everything else is done
 */
export async function collectGarbage(
  call: Call,
  engine: Pick<Engine, "graph" | "content" | "snapshotters" | "locks">,
  options: { ingestIdleMs?: number } = {},
): Promise<GarbageCollection> {
  using _lock = await engine.locks.acquire("garbage", call.signal);
  const removed = await engine.graph.collect(call);
  const snapshots = await Promise.allSettled(
    [...engine.snapshotters.values()].map(async (snapshotter) => await snapshotter.purge(call)),
  );
  const bytes = await engine.content.purge(call, options.ingestIdleMs ?? ingestIdleMs);
  const failed = snapshots.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const counts = snapshots.map((result) => (result.status === "fulfilled" ? result.value.removed : 0));
  return { removed, ...bytes, removedSnapshots: counts.reduce((sum, count) => sum + count, 0) };
}
