import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/**
 * Gives a container another name, also in the networks it is on. Publishes `rename` with `oldName`.
 *
 * @throws conflict when the name is in use
 * @throws invalidArgument when it is empty, malformed or the one it has
 */
export async function renameContainer(
  _call: Call,
  _engine: Engine,
  _idOrName: string,
  _newName: string,
): Promise<Container> {
  throw new EngineError("notImplemented", "rename container: not implemented");
}
