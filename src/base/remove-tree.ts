import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "./errors.ts";

/** Well below PATH_MAX, 4096. */
const movableLength = 3_000;

/**
 * Removes a directory with all that is in it, or nothing where nothing is.
 *
 * A tree that is deeper than a path may be long, which every process can make by going down as it does, is taken apart:
 * what is deep down is moved to the top.
 */
export async function removeTree(directory: string): Promise<void> {
  for (let moved = 0; ; moved++) {
    try {
      return await rm(directory, { recursive: true, force: true });
    } catch (error) {
      const path = tooLongPath(error);
      if (path === undefined) throw error;
      let deep = path;
      while (deep.length > movableLength) deep = dirname(deep);
      await rename(deep, join(directory, `.deep-${moved}`));
    }
  }
}

function tooLongPath(error: unknown): string | undefined {
  if (errnoOf(error) !== "ENAMETOOLONG" || !(error instanceof Error) || !("path" in error)) return undefined;
  return String(error.path);
}
