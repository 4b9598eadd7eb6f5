import { chmod, chown, lstat, mkdir, readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import { removeTree } from "#base/remove-tree.ts";

/**
 * Content comes into a volume from beside it, so that a crash never leaves a part that counts as content:
 * ```
 *   _filling ──(all written)──► _filled ──(entries moved into _data, one by one)──► gone
 *      └─ crash: removed            └─ crash: moved to the end
 * ```
 * `_data` itself is never replaced: a running container may have it mounted.
 */
export async function fillVolume(directory: string, write: (directory: string) => Promise<void>): Promise<void> {
  const filling = join(directory, "_filling");
  await removeTree(filling);
  await mkdir(filling, { mode: 0o755 });
  try {
    await write(filling);
    await rename(filling, join(directory, "_filled"));
  } catch (error) {
    await removeTree(filling);
    throw error;
  }
  await moveFilled(directory);
}

/** Undoes or finishes what a crash cut off. Idempotent. */
export async function recoverFill(directory: string): Promise<void> {
  await removeTree(join(directory, "_filling"));
  await moveFilled(directory);
}

/** What stands in the volume under the same name stays: somebody has put it there since. */
async function moveFilled(directory: string): Promise<void> {
  const [filled, data] = [join(directory, "_filled"), join(directory, "_data")];
  const names = await namesIn(filled);
  if (names === undefined) return;
  const { mode, uid, gid, atime, mtime } = await stat(filled);
  await chown(data, uid, gid);
  await chmod(data, mode & 0o7777);
  for (const name of names) {
    if (!(await isThere(join(data, name)))) await rename(join(filled, name), join(data, name));
  }
  await utimes(data, atime, mtime);
  await removeTree(filled);
}

async function namesIn(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
