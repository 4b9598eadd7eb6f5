import { open } from "node:fs/promises";
import { constants } from "node:os";
import koffi from "koffi";
import { EngineError } from "#base/errors.ts";

const syncfs = koffi.load("libc.so.6").func("int syncfs(int)");

/**
 * Writes what the filesystem that holds `directory` has in memory to its disk, on a thread of its own. One call for a
 * whole tree: an fsync for each of its files takes many times as long. Source: syncfs(2).
 */
export async function syncFilesystem(directory: string): Promise<void> {
  await using handle = await open(directory);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  syncfs.async(handle.fd, (error: Error | null, result: number) => {
    if (error !== null) reject(error);
    else if (result === 0) resolve();
    else reject(toEngineError(koffi.errno(), directory));
  });
  await promise;
}

function toEngineError(errno: number, directory: string): EngineError {
  const { ENOSPC, EDQUOT } = constants.errno;
  const kind = errno === ENOSPC || errno === EDQUOT ? "resourceExhausted" : "internal";
  return new EngineError(kind, `${directory}: not written to its disk (errno ${errno})`);
}
