import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { decodeImageConfig } from "#core/images/image-config.ts";
import { decodeManifest } from "#core/images/manifest.ts";
import { labelUnpacked } from "./images/gc-references.ts";
import { restoreLayers } from "./images/layer-recipes.ts";
import { readDocument } from "./images/read-image.ts";
import { underLease } from "./images/under-lease.ts";
import { unpackLayers, type UnpackedLayers, type UnpackEngine, type UnpackProgress } from "./unpack-layers.ts";

export type UnpackRequest = {
  /** Of one platform. */
  readonly manifest: Descriptor;
  /** Default: the engine's. */
  readonly snapshotter?: string;
  readonly onProgress?: (progress: UnpackProgress) => void;
};

/**
 * Unpacks the layers of a stored image into committed snapshots and notes the top one on its config, so that it lives
 * as long as the image. Layers that are unpacked already are left as they are.
 *
 * Aborting leaves no half-done layer; whole ones stay for the next attempt until garbage collection.
 *
 * @throws notFound when a blob is not here @throws as {@link unpackLayers}
 */
export async function unpackImage(call: Call, engine: UnpackEngine, request: UnpackRequest): Promise<UnpackedLayers> {
  await using undo = new AsyncDisposableStack();
  const leased = await underLease(call, engine, undo);
  const manifest = decodeManifest(await readDocument(leased, engine, request.manifest), request.manifest.mediaType);
  const { diffIds } = decodeImageConfig(await readDocument(leased, engine, manifest.config));
  const { layers } = manifest;
  if (layers.length !== diffIds.length) {
    const counts = `${layers.length} layers, its config names ${diffIds.length}`;
    throw new EngineError("invalidArgument", `image ${request.manifest.digest}: the manifest has ${counts}`);
  }
  const { snapshotter = engine.settings.defaultSnapshotter, onProgress } = request;
  // In the default one, an image without blobs of its layers is unpacked: that is where they are made from.
  if (snapshotter !== engine.settings.defaultSnapshotter) await restoreLayers(leased, engine, request.manifest, undo);
  const unpacked = await unpackLayers(leased, engine, {
    snapshotter,
    diffIds,
    layers,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  await labelUnpacked(leased, engine, manifest.config.digest, snapshotter, unpacked.snapshotName);
  return unpacked;
}
