import { isKind } from "#base/errors.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { readDocument } from "#clients/containerd/read-content.ts";
import { isIndex, type Descriptor } from "#core/content/descriptor.ts";
import { chainIdsOf, type ChainId, type DiffId, type Digest } from "#core/content/digest.ts";
import { decodeImageConfig } from "#core/images/image-config.ts";
import { decodeIndex, decodeManifest, imagesOf, maxManifestBytes } from "#core/images/manifest.ts";
import { gcLabels } from "#core/labels.ts";

/** A blob, with the labels by which garbage collection finds what it needs. */
export type StoredBlob = { readonly descriptor: Descriptor; readonly labels: Readonly<Record<string, string>> };

export type StoredLayer = { readonly descriptor: Descriptor; readonly diffId: DiffId; readonly chainId: ChainId };

/** One platform's image as containerd has it. */
export type StoredImage = {
  readonly id: Digest;
  /** Lowest first. */
  readonly layers: readonly StoredLayer[];
  /** All that is there of it, layers first, then what refers to them. */
  readonly blobs: readonly StoredBlob[];
};

const maxNesting = 3;

/**
 * Reads what a name points at: a manifest, or an index of which the parts that are here count.
 *
 * @throws notFound when a blob of it is missing @throws invalidArgument when it is no image
 */
export async function readStoredImages(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  target: Descriptor,
  snapshotter: string,
  depth = 0,
): Promise<StoredImage[]> {
  const bytes = await readDocument(signal, containerd, target.digest, maxManifestBytes);
  if (!isIndex(target.mediaType)) return [await readOne(signal, containerd, target, bytes, snapshotter)];
  const images: StoredImage[] = [];
  const labels: Record<string, string> = {};
  if (depth >= maxNesting) return [];
  for (const [at, manifest] of imagesOf(decodeIndex(bytes, target.mediaType)).entries()) {
    try {
      images.push(...(await readStoredImages(signal, containerd, manifest, snapshotter, depth + 1)));
      labels[`${gcLabels.content}.m.${at}`] = manifest.digest;
    } catch (error) {
      // Other platforms' were not pulled.
      if (!isKind(error, "notFound")) throw error;
    }
  }
  const index = { descriptor: target, labels };
  return images.map(({ id, layers, blobs }) => ({ id, layers, blobs: blobs.concat(index) }));
}

async function readOne(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  target: Descriptor,
  bytes: Buffer,
  snapshotter: string,
): Promise<StoredImage> {
  const { config, layers } = decodeManifest(bytes, target.mediaType);
  const configBytes = await readDocument(signal, containerd, config.digest, maxManifestBytes);
  const { diffIds } = decodeImageConfig(configBytes);
  for (const { digest } of layers) await containerd.content.info({ digest }, { signal });
  const chain = chainIdsOf(diffIds);
  const top = chain.at(-1);
  const ofManifest: Record<string, string> = { [`${gcLabels.content}.config`]: config.digest };
  for (const [at, { digest }] of layers.entries()) ofManifest[`${gcLabels.content}.l.${at}`] = digest;
  return {
    id: config.digest,
    layers: layers.flatMap((descriptor, at) => {
      const [diffId, chainId] = [diffIds[at], chain[at]];
      return diffId === undefined || chainId === undefined ? [] : [{ descriptor, diffId, chainId }];
    }),
    blobs: [
      ...layers.map((descriptor, at) => ({ descriptor, labels: { "containerd.io/uncompressed": diffIds[at] ?? "" } })),
      { descriptor: config, labels: top === undefined ? {} : { [`${gcLabels.snapshot}.${snapshotter}`]: top } },
      { descriptor: target, labels: ofManifest },
    ],
  };
}
