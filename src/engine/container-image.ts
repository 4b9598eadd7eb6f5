import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { chainIdsOf } from "#core/content/digest.ts";
import type { SnapshotName } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { readImage, type ReadImage } from "./images/read-image.ts";
import { findImage } from "./resolve-image.ts";
import { unpackImage } from "./unpack-image.ts";

export type ContainerImage = Pick<ReadImage, "id" | "manifest" | "document" | "config">;

/** The image a container is made from. @throws notFound */
export async function findContainerImage(call: Call, engine: Engine, reference: string): Promise<ContainerImage> {
  const { image } = await findImage(call, engine, reference);
  return await readImage(call, engine, image.target);
}

/** Unpacks it where that was not done before; answers the snapshot that holds all its layers, undefined without any. */
export async function unpackContainerImage(
  call: Call,
  engine: Engine,
  container: Pick<Container, "snapshotter">,
  image: ContainerImage,
): Promise<SnapshotName | undefined> {
  const top = chainIdsOf(image.config.diffIds).at(-1) as SnapshotName | undefined;
  if (top === undefined) return undefined;
  if ((await getSnapshotter(engine, container).find(call, top)) === undefined) {
    await unpackImage(call, engine, { manifest: image.manifest, snapshotter: container.snapshotter });
  }
  return top;
}
