import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/**
 * Starts a created or exited container: root filesystem, network and process; answers its record, running.
 *
 * A start by a person clears `stoppedByUser` and the restart back-off. Publishes `start`.
 *
 * @throws notModified when it runs already
 * @throws conflict when it is paused or on its way out
 * @throws invalidArgument when the command is missing (`exitCode` 127) or cannot be executed (126); the record keeps
 *   state `created` (or `exited`), the code and the text
 */
export async function startContainer(_call: Call, _engine: Engine, _idOrName: string): Promise<Container> {
  throw new EngineError("notImplemented", "start container: not implemented");
}
