import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { RestartPolicy } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { Resources } from "#core/tasks/resources.ts";
import type { Engine } from "./engine.ts";

export type UpdateContainerRequest = {
  readonly container: string;
  /** Fields that are there replace the container's; the others stay. */
  readonly resources?: Resources;
  readonly restart?: RestartPolicy;
};

/**
 * Changes limits (of a running container at once) and restart policy. Publishes `update`.
 *
 * @throws conflict when it is on its way out, or a restart policy is given to an `autoRemove` container
 * @throws invalidArgument when the kernel refuses a limit
 */
export async function updateContainer(
  _call: Call,
  _engine: Engine,
  _request: UpdateContainerRequest,
): Promise<Container> {
  throw new EngineError("notImplemented", "update container: not implemented");
}
