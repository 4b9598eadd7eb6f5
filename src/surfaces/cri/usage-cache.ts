import type { UnixNs } from "#base/clock.ts";
import type { SnapshotUsage } from "#core/snapshots/snapshotter.ts";

type CpuSample = { readonly atNs: UnixNs; readonly usageNs: bigint; readonly nanoCores: bigint };

/** The shortest time over which a rate says something. */
const minSpanNs = 100_000_000n;
/** A tree is walked to know its size: not at every look. */
const diskTtlMs = 10_000;
const maxEntries = 4096;

/** What statistics remember of containers between two looks; the oldest is forgotten first. */
export class UsageCache {
  readonly #cpu = new Map<string, CpuSample>();
  readonly #disk = new Map<string, { readonly atMs: number; readonly usage: Promise<SnapshotUsage> }>();

  /** CPU time per second since the last look, in billionths of a CPU; 0 at the first. */
  nanoCores(id: string, atNs: UnixNs, usageNs: bigint): bigint {
    const before = this.#cpu.get(id);
    const spanNs = before === undefined ? 0n : atNs - before.atNs;
    if (before !== undefined && spanNs < minSpanNs) return before.nanoCores;
    const used = before === undefined || usageNs < before.usageNs ? 0n : usageNs - before.usageNs;
    const nanoCores = before === undefined ? 0n : (used * 1_000_000_000n) / spanNs;
    put(this.#cpu, id, { atNs, usageNs, nanoCores });
    return nanoCores;
  }

  async disk(id: string, read: () => Promise<SnapshotUsage>): Promise<SnapshotUsage> {
    const before = this.#disk.get(id);
    if (before !== undefined && performance.now() - before.atMs < diskTtlMs) return await before.usage;
    const usage = read();
    put(this.#disk, id, { atMs: performance.now(), usage });
    usage.catch(() => this.#disk.delete(id));
    return await usage;
  }
}

function put<T>(map: Map<string, T>, id: string, value: T): void {
  map.delete(id);
  map.set(id, value);
  const [oldest] = map.keys();
  if (map.size > maxEntries && oldest !== undefined) map.delete(oldest);
}
