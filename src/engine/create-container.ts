import { EngineError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import type { Call } from "#core/call.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { Labels } from "#core/labels.ts";
import type { Engine } from "./engine.ts";

export type CreateContainerRequest = {
  /** Without one: two words, `adjective_surname`. */
  readonly name?: string;
  /** As the person wrote it: name, id or digest of an image that is here already. */
  readonly imageReference: string;
  /** Image defaults merged in by `merge-image-config.ts`. A volume mount with an empty name is made as an anonymous volume. */
  readonly config: ContainerConfig;
  readonly labels: Labels;
  readonly extensions: Readonly<Record<string, JsonObject>>;
  /** Undefined: the runtime's default one. */
  readonly runtimeHandler?: string;
};

/**
 * Makes a container: image unpacked, writable snapshot, volumes; nothing runs yet.
 *
 * On failure nothing is left. Publishes `create`.
 *
 * @throws notFound when the image is not here, or a network or a `container:` target
 * @throws conflict when the name is in use
 * @throws invalidArgument for a bad name or a config without command
 */
export async function createContainer(
  _call: Call,
  _engine: Engine,
  _request: CreateContainerRequest,
): Promise<Container> {
  throw new EngineError("notImplemented", "create container: not implemented");
}
