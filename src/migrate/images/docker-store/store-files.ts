import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { EngineError, errnoOf } from "#base/errors.ts";

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A regular file of a data root, whole; a link is not followed.
 *
 * @throws notFound @throws dataLoss when it is no regular file, or longer than `maxBytes`
 */
export async function readStoreFile(path: string, maxBytes: number): Promise<Buffer> {
  try {
    await using handle = await open(path, readFlags);
    const stat = await handle.stat();
    if (!stat.isFile()) throw new EngineError("dataLoss", `${path}: no regular file`);
    if (stat.size > maxBytes)
      throw new EngineError("dataLoss", `${path}: ${stat.size} bytes, the limit is ${maxBytes}`);
    return await handle.readFile();
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new EngineError("notFound", `${path}: not found`, { cause: error });
    if (code === "ELOOP") throw new EngineError("dataLoss", `${path}: a link`, { cause: error });
    throw error;
  }
}

/** A one-line file without its line's end; undefined when there is none. */
export async function findStoreLine(path: string): Promise<string | undefined> {
  try {
    return (await readStoreFile(path, 4096)).toString("utf8").trim();
  } catch (error) {
    if (error instanceof EngineError && error.kind === "notFound") return undefined;
    throw error;
  }
}

/** Names in a directory, sorted; none where there is no directory. */
export async function listDirectory(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Whether a directory, and no link to one, is at `path`. */
export async function isDirectory(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stat) => stat.isDirectory(),
    () => false,
  );
}
