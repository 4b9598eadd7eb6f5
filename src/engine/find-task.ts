import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Task } from "#core/tasks/runtime.ts";
import { isUp } from "./container-machine.ts";
import type { Engine } from "./engine.ts";

/** The process of a running or paused container. @throws conflict when it does not run */
export async function getTask(call: Call, engine: Pick<Engine, "runtime">, container: Container): Promise<Task> {
  const task = isUp(container.status) ? await findTask(call, engine, container) : undefined;
  if (task === undefined || task.exit !== undefined) throw notRunning(container);
  return task;
}

export async function findTask(
  call: Call,
  { runtime }: Pick<Engine, "runtime">,
  { id, namespace }: Container,
): Promise<Task | undefined> {
  return await runtime.find(call, { namespace, containerId: id });
}

/** Docker's text. */
export function notRunning({ id }: Container): EngineError {
  return new EngineError("conflict", `container ${id} is not running`);
}
