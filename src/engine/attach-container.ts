import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import type { Engine } from "./engine.ts";

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
  _call: Call,
  _engine: Engine,
  _request: AttachContainerRequest,
): Promise<TaskStreams> {
  throw new EngineError("notImplemented", "attach container: not implemented");
}

/**
 * Sets the size of the container's terminal. Publishes `resize`.
 *
 * @throws conflict when it does not run
 */
export async function resizeContainer(
  _call: Call,
  _engine: Engine,
  _idOrName: string,
  _size: TerminalSize,
): Promise<void> {
  throw new EngineError("notImplemented", "resize container: not implemented");
}
