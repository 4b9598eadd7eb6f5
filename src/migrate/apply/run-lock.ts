import { readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import { acquireProcessLock } from "#base/process-lock.ts";

/**
 * Keeps a second run off `directory` until it is disposed or this process has gone.
 *
 * @throws conflict naming the pid of the run that has it
 */
export async function acquireRunLock(directory: string): Promise<AsyncDisposable> {
  const holder = join(directory, "pid");
  await using undo = new AsyncDisposableStack();
  const lock = await acquireProcessLock(await realpath(directory));
  if (lock === undefined) {
    const pid = await readFile(holder, "utf8").catch(() => "");
    throw new EngineError("conflict", `migration in ${directory}: another run has it, pid ${pid.trim() || "unknown"}`);
  }
  undo.use(lock);
  await writeFile(holder, `${process.pid}\n`);
  return undo.move();
}
