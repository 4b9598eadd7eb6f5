import { readdir, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "./errors.ts";

/** Well below PATH_MAX, 4096. */
const movableLength = 3_000;

/**
 * Removes a directory with all that is in it, or a file, or nothing where nothing is. Links are not followed.
 *
 * With half the calls of Node's recursive `rm`, which looks at every entry once more before it removes it and tries every
 * directory before it reads it. A tree that is deeper than a path may be long, which every process can make by going down
 * as it does, is taken apart: what is deep down is moved to the top.
 */
export async function removeTree(path: string): Promise<void> {
  for (let moved = 0; ; moved++) {
    try {
      return await removeEntry(path);
    } catch (error) {
      let deep = tooLongPath(error);
      if (deep === undefined) throw error;
      while (deep.length > movableLength) deep = dirname(deep);
      await rename(deep, join(path, `.deep-${moved}`));
    }
  }
}

/** Removes a file, or nothing where nothing is. */
export async function removeFile(path: string): Promise<void> {
  await unlessMissing(unlink(path));
}

async function removeEntry(path: string): Promise<void> {
  const entries = await entriesOf(path);
  if (entries === undefined) return await removeFile(path);
  const removals = await Promise.allSettled(
    entries.map((entry) => {
      const inside = join(path, entry.name);
      return entry.isDirectory() ? removeEntry(inside) : removeFile(inside);
    }),
  );
  for (const removal of removals) if (removal.status === "rejected") throw removal.reason;
  await unlessMissing(rmdir(path));
}

/** Undefined for what is no directory. */
async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function unlessMissing(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

function tooLongPath(error: unknown): string | undefined {
  if (errnoOf(error) !== "ENAMETOOLONG" || !(error instanceof Error) || !("path" in error)) return undefined;
  return String(error.path);
}
