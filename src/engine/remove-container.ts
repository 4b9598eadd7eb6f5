import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";

export type RemoveContainerRequest = {
  readonly container: string;
  /** Kill it first when it runs. */
  readonly force: boolean;
  /** Its anonymous volumes too. */
  readonly removeVolumes: boolean;
};

/**
 * Removes a container with its snapshot, files and log. Publishes `destroy`.
 *
 * @throws conflict when it runs and `force` is false, or somebody else is removing it
 */
export async function removeContainer(_call: Call, _engine: Engine, _request: RemoveContainerRequest): Promise<void> {
  throw new EngineError("notImplemented", "remove container: not implemented");
}
