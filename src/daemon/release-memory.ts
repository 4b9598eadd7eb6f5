import { readFile } from "node:fs/promises";
import { dropPages, trimAllocator } from "./libc.ts";

/**
 * Gives back what a daemon at rest does not need: garbage, what the allocator keeps, and the pages of Node's binary that
 * start-up touched (30 of the 50 MB are never needed again).
 *
 * Code stays in the kernel's page cache and is mapped again by the fault that needs it; only it is no longer ours to keep.
 * Needs Node's `--expose-gc` for the garbage. Source: madvise(2) MADV_DONTNEED, malloc_trim(3).
 */
export async function releaseMemory(): Promise<void> {
  await globalThis.gc?.({ type: "major", execution: "async" });
  trimAllocator();
  for (const { start, length } of unusedCode(await readFile("/proc/self/smaps", "utf8"))) dropPages(start, length);
}

type Mapping = { readonly start: number; readonly length: number };

/**
 * Mappings of files whose pages can be dropped without loss: private, not writable, and without a page that was ever
 * written (relocated data has some). Source: proc(5), smaps.
 */
export function unusedCode(smaps: string): Mapping[] {
  const found: Mapping[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +\//.exec(block);
    if (head === null || kilobytes(block, "Anonymous") > 0 || kilobytes(block, "Rss") < worthwhileKb) continue;
    const start = Number.parseInt(head[1] ?? "", 16);
    found.push({ start, length: Number.parseInt(head[2] ?? "", 16) - start });
  }
  return found;
}

const worthwhileKb = 512;

function kilobytes(block: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB$`, "m").exec(block)?.[1] ?? Number.POSITIVE_INFINITY);
}
