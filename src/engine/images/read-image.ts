import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { isIndex, type Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import { decodeImageConfig, type ImageConfig } from "#core/images/image-config.ts";
import {
  decodeIndex,
  decodeManifest,
  imagesOf,
  maxManifestBytes,
  selectManifest,
  type Index,
  type Manifest,
} from "#core/images/manifest.ts";
import type { Platform } from "#core/images/platform.ts";
import type { Engine } from "../engine.ts";

export type ReadEngine = Pick<Engine, "content" | "settings" | "documents">;

/** A stored image for one platform. */
export type ReadImage = {
  /** Digest of the config: the image's ID. */
  readonly id: Digest;
  /** What its name points at: an index or the manifest itself. */
  readonly target: Descriptor;
  readonly manifest: Descriptor;
  readonly document: Manifest;
  readonly config: ImageConfig;
};

const maxNesting = 4;

/**
 * Reads what `target` holds for `platform`; without one for this machine, or for whatever is here where that is not.
 *
 * @throws notFound when nothing of it is here that fits @throws invalidArgument when it is no image
 */
export async function readImage(
  call: Call,
  engine: ReadEngine,
  target: Descriptor,
  platform?: Platform,
): Promise<ReadImage> {
  const manifest = await findManifest(call, engine, target, platform);
  const document = await readManifest(call, engine, manifest);
  const config = await readCached(call, engine, document.config, decodeImageConfig);
  return { id: document.config.digest, target, manifest, document, config };
}

/** Digest of the config that {@link readImage} would read. */
export async function readImageId(call: Call, engine: ReadEngine, target: Descriptor): Promise<Digest> {
  const manifest = await findManifest(call, engine, target, undefined);
  return (await readManifest(call, engine, manifest)).config.digest;
}

/** Bytes of a manifest, index or config. @throws notFound @throws invalidArgument when it is too long for one */
export async function readDocument(
  call: Call,
  { content }: Pick<Engine, "content">,
  { digest }: Descriptor,
): Promise<Uint8Array> {
  await using reader = await content.open(call, digest);
  if (reader.sizeBytes > maxManifestBytes) {
    throw new EngineError("invalidArgument", `content ${digest}: ${reader.sizeBytes} bytes is too long for a manifest`);
  }
  return await reader.read(0, reader.sizeBytes);
}

/** Manifests of an index that are here, indexes in it opened. */
export async function presentManifests(call: Call, engine: ReadEngine, index: Index, depth = 0): Promise<Descriptor[]> {
  const present: Descriptor[] = [];
  for (const descriptor of imagesOf(index)) {
    if ((await engine.content.find(call, descriptor.digest)) === undefined) continue;
    if (!isIndex(descriptor.mediaType)) present.push(descriptor);
    else if (depth < maxNesting) {
      const inner = await readIndex(call, engine, descriptor);
      present.push(...(await presentManifests(call, engine, inner, depth + 1)));
    }
  }
  return present;
}

async function readManifest(call: Call, engine: ReadEngine, descriptor: Descriptor): Promise<Manifest> {
  return await readCached(call, engine, descriptor, (bytes) => decodeManifest(bytes, descriptor.mediaType));
}

async function readIndex(call: Call, engine: ReadEngine, descriptor: Descriptor): Promise<Index> {
  return await readCached(call, engine, descriptor, (bytes) => decodeIndex(bytes, descriptor.mediaType));
}

async function readCached<T extends object>(
  call: Call,
  engine: ReadEngine,
  descriptor: Descriptor,
  decode: (bytes: Uint8Array) => T,
): Promise<T> {
  // A document that another namespace has, or that was removed, is not here however well it is known.
  await engine.content.get(call, descriptor.digest);
  return await engine.documents.read(descriptor, async () => decode(await readDocument(call, engine, descriptor)));
}

async function findManifest(call: Call, engine: ReadEngine, target: Descriptor, platform: Platform | undefined) {
  if (!isIndex(target.mediaType)) return target;
  const index = await readIndex(call, engine, target);
  const manifests = await presentManifests(call, engine, index);
  const here: Index = { ...index, manifests };
  if (platform !== undefined) return selectManifest(here, platform, { exact: true });
  try {
    return selectManifest(here, engine.settings.platform);
  } catch (error) {
    const [first] = manifests;
    if (first === undefined) throw error;
    return first;
  }
}
