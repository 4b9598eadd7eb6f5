import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import { isUp } from "./container-machine.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";
import { PendingStreams } from "./pending-streams.ts";

export type AttachContainerRequest = {
  readonly container: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
};

/**
 * Live streams of a container's process; the caller disposes them. Nothing that was said before is repeated: see the log.
 *
 * On a container that does not run yet they begin with its next start, no byte lost; they end with the process. The
 * `attach` event is published here, `detach` is the surface's to say.
 *
 * @throws conflict when it is paused or about to restart
 */
export async function attachContainer(
  call: Call,
  engine: Engine,
  request: AttachContainerRequest,
): Promise<TaskStreams> {
  const { id } = await engine.containers.resolve(call, request.container);
  // Under the lock: a start is either behind us or before us.
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  const { state } = container.status;
  if (state === "paused") {
    throw new EngineError("conflict", `container ${request.container} is paused, unpause the container before attach`);
  }
  if (state === "restarting") {
    throw new EngineError(
      "conflict",
      `container ${request.container} is restarting, wait until the container is running`,
    );
  }
  const { stdin, stdout, stderr } = request;
  const streams = isUp(container.status)
    ? await (await getTask(call, engine, container)).attach(call, { stdin, stdout, stderr })
    : new PendingStreams(call, engine.supervisor.attaches, id, { stdin, stdout, stderr });
  publishContainer(engine, container, "attach");
  return streams;
}

/**
 * Sets the size of the container's terminal. Publishes `resize`.
 *
 * @throws conflict when it does not run
 */
export async function resizeContainer(call: Call, engine: Engine, idOrName: string, size: TerminalSize): Promise<void> {
  const container = await engine.containers.resolve(call, idOrName);
  const task = await getTask(call, engine, container);
  await task.resize(call, size);
  publishContainer(engine, container, "resize", { height: String(size.height), width: String(size.width) });
}
