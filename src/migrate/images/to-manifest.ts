import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { digestOf, type Digest } from "#core/content/digest.ts";
import { encodeDescriptor } from "#core/images/manifest.ts";
import type { DockerImage } from "./docker-store/docker-image.ts";
import type { ImagesPlan } from "./image-target.ts";

export type ImageManifest = {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly config: Descriptor;
  /** Lowest first; plain archives, so that a layer's digest is its DiffID. */
  readonly layers: readonly Descriptor[];
};

/**
 * The manifest of an image whose layers are plain archives. Docker keeps no manifest and no compressed layer, so its
 * digest is a new one; the config's, by which Docker and the CRI know the image, stays.
 */
export function toManifest({ id, configBytes, layers }: DockerImage, plan: ImagesPlan): ImageManifest {
  const config: Descriptor = { mediaType: mediaTypes.ociConfig, digest: id, sizeBytes: configBytes.length };
  const descriptors = layers.map(({ diffId }): Descriptor => {
    const sizeBytes = plan.layers.get(diffId)?.scan.tarBytes;
    if (sizeBytes === undefined) throw new Error(`layer ${diffId}: not in the plan`);
    return { mediaType: mediaTypes.ociLayer, digest: diffId as string as Digest, sizeBytes };
  });
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: encodeDescriptor(config),
    layers: descriptors.map(encodeDescriptor),
  };
  const bytes = Buffer.from(JSON.stringify(document));
  const descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), sizeBytes: bytes.length };
  return { descriptor, bytes, config, layers: descriptors };
}
