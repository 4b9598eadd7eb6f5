import { createHash } from "node:crypto";
import { formatRfc3339, nowNs } from "#base/clock.ts";
import { decompressed } from "#base/decompress.ts";
import type { Call } from "#core/call.ts";
import { mediaTypes } from "#core/content/descriptor.ts";
import type { DiffId, Digest } from "#core/content/digest.ts";
import { emptyDefaults, encodeImageConfig, type ImageDefaults } from "#core/images/image-config.ts";
import type { ImageName } from "#core/images/image-store.ts";
import type { Platform } from "#core/images/platform.ts";
import { formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";
import type { Engine } from "./engine.ts";
import { assignNames, danglingName, type NamesEngine } from "./images/image-names.ts";
import type { ReadEngine } from "./images/read-image.ts";
import { completeManifest, storeManifest } from "./images/store-image.ts";
import { underLease } from "./images/under-lease.ts";
import { writeBlob, writeDocument } from "./images/write-blob.ts";
import { unpackImage } from "./unpack-image.ts";
import type { UnpackEngine } from "./unpack-layers.ts";

export type ImportRequest = {
  /** A tar of a root file system, gzip'd or zstd'd or plain. */
  readonly rootfs: AsyncIterable<Uint8Array>;
  /** Without one the image is a dangling one. */
  readonly name?: string;
  readonly config?: Partial<ImageDefaults>;
  /** Default: this machine's. */
  readonly platform?: Platform;
  /** Into the history. */
  readonly message?: string;
  /** Default true. */
  readonly unpack?: boolean;
};

export type ImportEngine = ReadEngine & NamesEngine & UnpackEngine & Pick<Engine, "events">;

/**
 * Makes an image of one layer from a root file system. Publishes `import`.
 *
 * @throws dataLoss when the archive is broken @throws invalidArgument for a bad name
 */
export async function importImage(
  call: Call,
  engine: ImportEngine,
  request: ImportRequest,
): Promise<{ imageId: Digest; name: ImageName }> {
  const reference = request.name === undefined ? undefined : withDefaultTag(parseReference(request.name));
  await using undo = new AsyncDisposableStack();
  const leased = await underLease(call, engine, undo);
  const { diffId, ...blob } = await writeLayer(leased, engine, request.rootfs);
  const layer = { mediaType: mediaTypes.ociLayer, ...blob };
  const created = formatRfc3339(nowNs());
  const bytes = encodeImageConfig({
    platform: request.platform ?? engine.settings.platform,
    created,
    diffIds: [diffId],
    history: [{ created, createdBy: "import", comment: request.message ?? "imported", emptyLayer: false }],
    config: { ...emptyDefaults, ...request.config },
  });
  const config = await writeDocument(leased, engine, mediaTypes.ociConfig, bytes);
  const manifest = await storeManifest(leased, engine, { config, layers: [layer] });
  await completeManifest(leased, engine, manifest);
  if (request.unpack !== false) await unpackImage(leased, engine, { manifest });
  const name = reference === undefined ? danglingName(manifest.digest) : formatReference(reference);
  await assignNames(leased, engine, [name], manifest);
  engine.events.publish({
    namespace: call.namespace,
    type: "image",
    action: "import",
    actorId: config.digest,
    attributes: { name: request.name ?? config.digest },
  });
  return { imageId: config.digest, name };
}

/** Stores the archive plain: its digest is its DiffID. */
async function writeLayer(call: Call, engine: ImportEngine, rootfs: AsyncIterable<Uint8Array>) {
  const hash = createHash("sha256");
  async function* hashed() {
    for await (const chunk of decompressed(rootfs, engine.settings.layerLimits.maxUncompressedBytes)) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const blob = await writeBlob(call, engine, hashed());
  return { ...blob, diffId: `sha256:${hash.digest("hex")}` as DiffId };
}
