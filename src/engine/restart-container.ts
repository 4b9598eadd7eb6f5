import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { StopContainerRequest } from "./stop-container.ts";
import type { Engine } from "./engine.ts";

/**
 * Stops a container if it runs, then starts it. Publishes `restart` after the events of both.
 *
 * @throws as stop and start, but never notModified
 */
export async function restartContainer(
  _call: Call,
  _engine: Engine,
  _request: StopContainerRequest,
): Promise<Container> {
  throw new EngineError("notImplemented", "restart container: not implemented");
}
