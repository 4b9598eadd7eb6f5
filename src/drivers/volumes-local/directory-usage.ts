import { lstat, opendir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";

/** Bytes that a tree takes on disk, a file with several links counted once; what vanishes meanwhile is left out. */
export async function directoryUsageBytes(path: string, signal: AbortSignal): Promise<number> {
  const seen = new Set<string>();
  const waiting = [path];
  let bytes = 0;
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    signal.throwIfAborted();
    for (const entry of await readEntries(directory)) {
      const stats = await lstatOrUndefined(join(directory, entry.name));
      if (stats === undefined) continue;
      if (stats.isDirectory()) waiting.push(join(directory, entry.name));
      const inode = `${stats.dev}:${stats.ino}`;
      if (stats.nlink > 1 && seen.has(inode)) continue;
      if (stats.nlink > 1) seen.add(inode);
      bytes += stats.blocks * 512;
    }
  }
  return bytes;
}

/** Whether nothing is in a directory; one that is not there is empty. */
export async function isEmptyDirectory(path: string): Promise<boolean> {
  try {
    await using directory = await opendir(path, { bufferSize: 1 });
    return (await directory.read()) === null;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return true;
    throw error;
  }
}

async function readEntries(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function lstatOrUndefined(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
