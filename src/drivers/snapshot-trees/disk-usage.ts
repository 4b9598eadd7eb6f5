import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import type { SnapshotUsage } from "#core/snapshots/snapshotter.ts";

const blockBytes = 512;
const atOnce = 32;

/** Disk blocks and inodes below `directory`, itself included; a file with several names counts once. */
export async function diskUsage(signal: AbortSignal, directory: string): Promise<SnapshotUsage> {
  const seen = new Set<string>();
  let sizeBytes = 0;
  const add = async (path: string) => {
    const stat = await lstat(path, { bigint: true }).catch(ignoreGone);
    const inode = stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
    if (stat === undefined || seen.has(inode)) return;
    seen.add(inode);
    sizeBytes += Number(stat.blocks) * blockBytes;
  };
  await add(directory);
  const todo = [directory];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    signal.throwIfAborted();
    const entries = (await readdir(at, { withFileTypes: true }).catch(ignoreGone)) ?? [];
    for (const entry of entries) if (entry.isDirectory()) todo.push(join(at, entry.name));
    for (let i = 0; i < entries.length; i += atOnce) {
      const parent = at;
      await Promise.all(entries.slice(i, i + atOnce).map((entry) => add(join(parent, entry.name))));
    }
  }
  return { sizeBytes, inodes: seen.size };
}

/** A container may be writing meanwhile. */
function ignoreGone(error: unknown): undefined {
  if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
  throw error;
}
