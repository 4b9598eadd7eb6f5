import type { Call } from "#core/call.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";

/**
 * What a running container uses now; one reading.
 *
 * @throws conflict when it does not run
 */
export async function containerStats(
  call: Call,
  engine: Pick<Engine, "containers" | "runtime">,
  idOrName: string,
): Promise<TaskStats> {
  const container = await engine.containers.resolve(call, idOrName);
  const task = await getTask(call, engine, container);
  return await task.stats(call);
}
