import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Digest } from "#core/content/digest.ts";
import type { SnapshotName } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "./engine.ts";

export type ContainerImage = { readonly id: Digest; readonly manifest: Digest };

/** The image a container is made from. @throws notFound */
export async function findContainerImage(_call: Call, _engine: Engine, _reference: string): Promise<ContainerImage> {
  throw new EngineError("notImplemented", "images cannot be resolved yet");
}

/** Unpacks it where that was not done before; answers the snapshot that holds all its layers. */
export async function unpackContainerImage(
  _call: Call,
  _engine: Engine,
  _container: Container,
  _image: ContainerImage,
): Promise<SnapshotName> {
  throw new EngineError("notImplemented", "images cannot be unpacked yet");
}
