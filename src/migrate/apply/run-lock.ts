import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";

/**
 * Keeps a second run off `directory` until it is disposed or this process has gone, however it goes: the kernel holds an
 * abstract socket's name for the process that listens on it. Source: unix(7).
 *
 * @throws conflict naming the pid of the run that has it
 */
export async function acquireRunLock(directory: string): Promise<AsyncDisposable> {
  const holder = join(directory, "pid");
  const name = createHash("sha256")
    .update(await realpath(directory))
    .digest("hex")
    .slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen({ path: `\0ferry-migrate-${name}` }, resolve);
  try {
    await promise;
  } catch (error) {
    if (errnoOf(error) !== "EADDRINUSE") throw error;
    const pid = await readFile(holder, "utf8").catch(() => "");
    throw new EngineError("conflict", `migration in ${directory}: another run has it, pid ${pid.trim() || "unknown"}`);
  }
  await writeFile(holder, `${process.pid}\n`);
  return {
    [Symbol.asyncDispose]: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
