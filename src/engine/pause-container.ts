import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/**
 * Freezes every process of a container. Publishes `pause`.
 *
 * @throws conflict when it does not run or is paused
 */
export async function pauseContainer(_call: Call, _engine: Engine, _idOrName: string): Promise<Container> {
  throw new EngineError("notImplemented", "pause container: not implemented");
}

/**
 * Lets a paused container go on. Publishes `unpause`.
 *
 * @throws conflict when it is not paused
 */
export async function unpauseContainer(_call: Call, _engine: Engine, _idOrName: string): Promise<Container> {
  throw new EngineError("notImplemented", "unpause container: not implemented");
}
