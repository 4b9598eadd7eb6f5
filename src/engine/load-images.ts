import { decompressed } from "#base/decompress.ts";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { isIndex, type Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import type { ImageName } from "#core/images/image-store.ts";
import { decodeIndex } from "#core/images/manifest.ts";
import type { Platform } from "#core/images/platform.ts";
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";
import type { Engine } from "./engine.ts";
import { readArchive, type ArchiveContents } from "./images/archive-contents.ts";
import { dockerImages, legacyImages } from "./images/archive-docker.ts";
import { ociImages, type ArchivedImage } from "./images/archive-oci.ts";
import { referIndex } from "./images/gc-references.ts";
import { assignNames, danglingName, type NamesEngine } from "./images/image-names.ts";
import { presentManifests, readDocument, readImage, type ReadEngine } from "./images/read-image.ts";
import { completeManifest } from "./images/store-image.ts";
import { underLease } from "./images/under-lease.ts";
import { unpackImage } from "./unpack-image.ts";
import type { UnpackEngine } from "./unpack-layers.ts";

export type LoadProgress = {
  readonly t: "reading";
  /** Path in the archive. */
  readonly entry: string;
  readonly sizeBytes: number;
};

export type LoadRequest = {
  /** A Docker archive or OCI layout as tar, gzip'd or zstd'd or plain. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Which platform of an index is unpacked; default this machine's. */
  readonly platform?: Platform;
  /** Default true. */
  readonly unpack?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
};

export type LoadedImage = {
  readonly imageId: Digest;
  readonly target: Descriptor;
  /** As people write them; empty for an image that has none in the archive. */
  readonly names: readonly string[];
};

export type LoadEngine = ReadEngine & NamesEngine & UnpackEngine & Pick<Engine, "events">;

/**
 * Brings the images of an archive into the namespace: verified, named, unpacked. A name that is taken moves; what it
 * pointed at dangles. All images are checked before the first is named. Publishes `load`.
 *
 * @throws invalidArgument when it holds no image, or says what cannot be
 * @throws dataLoss when it is truncated or a blob is not what it says @throws resourceExhausted past a bound
 */
export async function loadImages(call: Call, engine: LoadEngine, request: LoadRequest): Promise<LoadedImage[]> {
  await using undo = new AsyncDisposableStack();
  const leased = await underLease(call, engine, undo);
  const bytes = decompressed(request.archive, engine.settings.layerLimits.maxUncompressedBytes * 16);
  const contents = await readArchive(leased, engine, bytes, (entry, sizeBytes) => {
    request.onProgress?.({ t: "reading", entry, sizeBytes });
  });
  const archived = await imagesOfArchive(leased, engine, contents);
  const named = archived.map((image) => ({ ...image, references: image.names.map(toReference) }));
  for (const { target } of archived) await complete(leased, engine, target);
  const loaded: LoadedImage[] = [];
  for (const { target, references } of named) {
    const { id, manifest } = await readImage(leased, engine, target, request.platform);
    if (request.unpack !== false) await unpackImage(leased, engine, { manifest });
    const names: ImageName[] = references.map(formatReference);
    await assignNames(leased, engine, names.length > 0 ? names : [danglingName(target.digest)], target);
    loaded.push({ imageId: id, target, names: references.map(formatFamiliar) });
    publish(call, engine, id, references[0] === undefined ? id : formatFamiliar(references[0]));
  }
  return loaded;
}

/** OCI before Docker: an archive that is both means the same by both, and the first keeps indexes. */
async function imagesOfArchive(call: Call, engine: LoadEngine, contents: ArchiveContents): Promise<ArchivedImage[]> {
  const { documents } = contents;
  if (documents.has("index.json")) {
    const images = await ociImages(call, engine, contents);
    return documents.has("manifest.json") ? await withDockerNames(call, engine, contents, images) : images;
  }
  if (documents.has("manifest.json")) return await dockerImages(call, engine, contents);
  if (documents.has("repositories")) return await legacyImages(call, engine, contents);
  throw new EngineError("invalidArgument", "archive: no image in it (no index.json, manifest.json or repositories)");
}

/** Where the layout names nothing, Docker's part may. */
async function withDockerNames(
  call: Call,
  engine: LoadEngine,
  contents: ArchiveContents,
  images: ArchivedImage[],
): Promise<ArchivedImage[]> {
  if (images.some(({ names }) => names.length > 0)) return images;
  const docker = await dockerImages(call, engine, contents);
  return docker.some(({ names }) => names.length > 0) || images.length === 0 ? docker : images;
}

/** Labels manifests and index; an index may be here in part, but not empty. */
async function complete(call: Call, engine: LoadEngine, target: Descriptor): Promise<void> {
  if (!isIndex(target.mediaType)) return await completeManifest(call, engine, target);
  const index = decodeIndex(await readDocument(call, engine, target), target.mediaType);
  const present = await presentManifests(call, engine, index);
  if (present.length === 0) throw new EngineError("invalidArgument", `archive: index ${target.digest}: no image of it`);
  for (const manifest of present) await completeManifest(call, engine, manifest);
  for (const inner of index.manifests.filter(({ mediaType }) => isIndex(mediaType))) {
    if ((await engine.content.find(call, inner.digest)) !== undefined) await complete(call, engine, inner);
  }
  const here: Descriptor[] = [];
  for (const manifest of index.manifests) {
    if ((await engine.content.find(call, manifest.digest)) !== undefined) here.push(manifest);
  }
  await referIndex(call, engine, target.digest, here);
}

function toReference(name: string) {
  return withDefaultTag(parseReference(name));
}

function publish(call: Call, { events }: LoadEngine, id: Digest, name: string): void {
  events.publish({ namespace: call.namespace, type: "image", action: "load", actorId: id, attributes: { name } });
}
