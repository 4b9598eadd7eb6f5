import { EngineError } from "#base/errors.ts";
import { acquireProcessLock } from "#base/process-lock.ts";

/** Keeps a second run away from `path`, until the process ends. @throws conflict when another run has it */
export async function acquireRunLock(path: string): Promise<AsyncDisposable> {
  const lock = await acquireProcessLock(path);
  if (lock !== undefined) return lock;
  throw new EngineError("conflict", `${path}: another migration of these images is running`);
}
