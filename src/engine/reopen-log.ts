import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";

const waitMs = 2_000;
const stepMs = 5;

/**
 * Has the monitor open the container's log path anew, after somebody moved the file away; settles when the new one is
 * there.
 *
 * @throws conflict when the container does not run
 */
export async function reopenLog(
  call: Call,
  engine: Pick<Engine, "containers" | "runtime">,
  idOrName: string,
): Promise<void> {
  const container = await engine.containers.resolve(call, idOrName);
  const task = await getTask(call, engine, container);
  await task.reopenLog(call);
  for (let waited = 0; waited < waitMs && !(await exists(container.logPath)); waited += stepMs) {
    await sleep(stepMs, undefined, { signal: call.signal });
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
