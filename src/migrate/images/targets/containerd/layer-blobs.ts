import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { readContent } from "#clients/containerd/read-content.ts";
import { keepContent, makeContent } from "#clients/containerd/write-content.ts";
import { sniffCompression } from "#base/decompress.ts";
import { EngineError } from "#base/errors.ts";
import { toEngineError } from "#clients/containerd/to-engine-error.ts";
import { zstdFrames } from "#base/zstd-frames.ts";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { parseDigest, type DiffId } from "#core/content/digest.ts";
import type { DockerLayer } from "../../docker-store/docker-image.ts";

const mediaTypeOf = {
  none: mediaTypes.ociLayer,
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
} as const;

/** Of a layer's blob, by which containerd's own clients find it. Source: containerd labels/labels.go. */
const uncompressedLabel = "containerd.io/uncompressed";

/** A layer's blob, and who has it. */
export type LayerBlob = { readonly descriptor: Descriptor; readonly how: "written" | "existed" };

/** A layer's blob that the namespace has, however it is packed: carried before, or pulled. */
export async function findLayerBlob(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  diffId: DiffId,
): Promise<Descriptor | undefined> {
  const { content, socketPath } = containerd;
  try {
    for await (const { info } of content.list({ filters: [`labels."${uncompressedLabel}"==${diffId}`] }, { signal })) {
      const [found] = info;
      if (found === undefined) continue;
      const digest = parseDigest(found.digest);
      const mediaType = mediaTypeOf[sniffCompression(await readHead(signal, containerd, digest))];
      return { mediaType, digest, sizeBytes: Number(found.size) };
    }
    return undefined;
  } catch (error) {
    throw toEngineError(error, socketPath);
  }
}

/** Puts a layer's blob that is there under the lease. */
export async function keepLayerBlob(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  { diffId }: DockerLayer,
  lease: string,
): Promise<LayerBlob | undefined> {
  const descriptor = await findLayerBlob(signal, containerd, diffId);
  if (descriptor === undefined) return undefined;
  const blob = { digest: descriptor.digest, labels: { [uncompressedLabel]: diffId }, lease };
  return (await keepContent(signal, containerd, blob)) ? { descriptor, how: "existed" } : undefined;
}

/** A layer's blob from its archive, packed; the lease keeps it. `archive` ends only if it is what the DiffID says. */
export async function makeLayerBlob(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  { diffId }: DockerLayer,
  lease: string,
  archive: AsyncIterable<Uint8Array>,
): Promise<LayerBlob> {
  const { digest, sizeBytes } = await makeContent(signal, containerd, {
    ref: diffId,
    labels: { [uncompressedLabel]: diffId },
    lease,
    chunks: () => zstdFrames(archive),
  });
  return { descriptor: { mediaType: mediaTypes.ociLayerZstd, digest: parseDigest(digest), sizeBytes }, how: "written" };
}

async function readHead(signal: AbortSignal, containerd: ContainerdConnection, digest: string): Promise<Uint8Array> {
  for await (const data of readContent(signal, containerd, digest, 4)) return data;
  throw new EngineError("dataLoss", `content ${digest}: it is empty`);
}
