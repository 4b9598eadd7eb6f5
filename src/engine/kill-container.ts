import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";

export type KillContainerRequest = {
  readonly container: string;
  /** Name or number; undefined: SIGKILL. */
  readonly signal?: string;
};

/**
 * Sends a signal to the container's first process. SIGKILL waits for the end; a stop signal keeps the restart policy quiet.
 *
 * @throws conflict when it does not run
 * @throws invalidArgument when there is no such signal
 */
export async function killContainer(_call: Call, _engine: Engine, _request: KillContainerRequest): Promise<void> {
  throw new EngineError("notImplemented", "kill container: not implemented");
}
