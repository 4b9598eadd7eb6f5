import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

/** Disk blocks of a tree, files with several names once; links are not followed. What goes meanwhile counts as nothing. */
export async function diskUsage(signal: AbortSignal, directory: string): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;
  const todo = [directory];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    signal.throwIfAborted();
    const entries = await opendir(at).catch(() => undefined);
    if (entries === undefined) continue;
    for await (const entry of entries) {
      const path = join(at, entry.name);
      const stat = await lstat(path, { bigint: true }).catch(() => undefined);
      const inode = `${stat?.dev}:${stat?.ino}`;
      if (stat === undefined || seen.has(inode)) continue;
      if (stat.nlink > 1n && !stat.isDirectory()) seen.add(inode);
      bytes += Number(stat.blocks) * 512;
      if (stat.isDirectory()) todo.push(path);
    }
  }
  return bytes;
}
