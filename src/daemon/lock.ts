import { open } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import { tryLockFile } from "./libc.ts";

/**
 * Keeps a second daemon off `rootDirectory` until it is disposed or this process has gone, however it goes: the kernel
 * holds the lock on the open file.
 *
 * @throws conflict naming the pid of the daemon that has it
 */
export async function acquireRootLock(rootDirectory: string): Promise<AsyncDisposable> {
  const path = join(rootDirectory, "ferryd.lock");
  // Opened without truncation: the holder's pid is in it.
  const file = await open(path, "a+", 0o644);
  if (!tryLockFile(file.fd)) {
    const pid = (await file.readFile("utf8")).trim();
    await file.close();
    throw new EngineError("conflict", `root ${rootDirectory}: in use by ferryd with pid ${pid || "unknown"}`);
  }
  await file.truncate(0);
  await file.write(`${process.pid}\n`);
  return {
    async [Symbol.asyncDispose]() {
      await file.close();
    },
  };
}
