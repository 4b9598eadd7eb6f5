import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import type { Engine } from "./engine.ts";

/**
 * What a running container uses now; one reading.
 *
 * @throws conflict when it does not run
 */
export async function containerStats(_call: Call, _engine: Engine, _idOrName: string): Promise<TaskStats> {
  throw new EngineError("notImplemented", "container stats: not implemented");
}
