import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";

/**
 * Has the container's output go to a new file at its log path, after somebody moved the old one away; settles when it
 * does.
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
}
