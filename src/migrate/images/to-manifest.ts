import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { digestOf, type Digest } from "#core/content/digest.ts";
import { encodeDescriptor } from "#core/images/manifest.ts";
import type { DockerImage } from "./docker-store/docker-image.ts";
import type { ImagesPlan } from "./image-target.ts";

export type ImageManifest = {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
};

/** An image's layers as plain archives, lowest first: a layer's digest is its DiffID. */
export function plainLayers({ layers }: DockerImage, plan: ImagesPlan): Descriptor[] {
  return layers.map(({ diffId }): Descriptor => {
    const sizeBytes = plan.layers.get(diffId)?.scan.tarBytes;
    if (sizeBytes === undefined) throw new Error(`layer ${diffId}: not in the plan`);
    return { mediaType: mediaTypes.ociLayer, digest: diffId as string as Digest, sizeBytes };
  });
}

/**
 * The manifest of an image. Docker keeps no manifest and no compressed layer, so its digest is a new one; the config's, by
 * which Docker and the CRI know the image, stays.
 */
export function toManifest({ id, configBytes }: DockerImage, layers: readonly Descriptor[]): ImageManifest {
  const config: Descriptor = { mediaType: mediaTypes.ociConfig, digest: id, sizeBytes: configBytes.length };
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: encodeDescriptor(config),
    layers: layers.map(encodeDescriptor),
  };
  const bytes = Buffer.from(JSON.stringify(document));
  const descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), sizeBytes: bytes.length };
  return { descriptor, bytes, config, layers };
}
