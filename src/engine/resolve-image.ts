import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { isDigest, type Digest } from "#core/content/digest.ts";
import type { Image, ImageName } from "#core/images/image-store.ts";
import type { Platform } from "#core/images/platform.ts";
import { formatReference, parseReference, withDefaultTag, type Reference } from "#core/images/reference.ts";
import type { Engine } from "./engine.ts";
import { digestName, parseImageName } from "./images/image-names.ts";
import { readImage, readImageId, type ReadImage } from "./images/read-image.ts";

export type ResolvedImage = ReadImage & {
  /** All names of the image in the namespace, dangling ones too. */
  readonly names: readonly ImageName[];
  /** The name that was asked for; undefined when it was asked for by ID. */
  readonly name?: ImageName;
};

export type ResolveEngine = Pick<Engine, "images" | "content" | "settings" | "documents">;

/**
 * Finds an image that is here: by name, `repo@digest`, ID (`sha256:…` or 64 hex) or the beginning of an ID.
 *
 * A name goes before an ID's beginning. `platform`: that part of it, instead of this machine's.
 * @throws notFound with Docker's text @throws invalidArgument when a beginning fits several, or for a bad reference
 */
export async function resolveImage(
  call: Call,
  engine: ResolveEngine,
  reference: string,
  options: { platform?: Platform } = {},
): Promise<ResolvedImage> {
  const { image, named } = await findImage(call, engine, reference);
  const read = await readImage(call, engine, image.target, options.platform);
  const names = await namesOf(call, engine, read.id, image);
  return { ...read, names, ...(named ? { name: image.name } : {}) };
}

/** The store's record for a reference. @throws as {@link resolveImage} */
export async function findImage(
  call: Call,
  engine: ResolveEngine,
  reference: string,
): Promise<{ image: Image; named: boolean }> {
  const bare = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(reference)?.[1];
  const byName =
    reference.startsWith("sha256:") || bare?.length === 64 ? undefined : await findByName(call, engine, reference);
  if (byName !== undefined) return { image: byName, named: true };
  const byId = bare === undefined ? undefined : await findById(call, engine, bare);
  if (byId !== undefined) return { image: byId, named: false };
  throw new EngineError("notFound", `No such image: ${withTag(reference)}`);
}

/** Every image with its ID; what cannot be read (another platform's, half removed) is left out. */
export async function imagesWithIds(call: Call, engine: ResolveEngine): Promise<{ image: Image; id: Digest }[]> {
  const ids = new Map<Digest, Promise<Digest | undefined>>();
  const images = await engine.images.list(call);
  const read = images.map(async (image) => {
    const known = ids.get(image.target.digest) ?? readIdOrNothing(call, engine, image);
    ids.set(image.target.digest, known);
    return { image, id: await known };
  });
  return (await Promise.all(read)).flatMap(({ image, id }) => (id === undefined ? [] : [{ image, id }]));
}

async function readIdOrNothing(
  call: Call,
  engine: ResolveEngine,
  { target, name }: Image,
): Promise<Digest | undefined> {
  try {
    return await readImageId(call, engine, target);
  } catch (error) {
    call.signal.throwIfAborted();
    call.log.debug({ image: name, error: String(error) }, "image cannot be read");
    return undefined;
  }
}

async function findByName(call: Call, { images }: ResolveEngine, text: string): Promise<Image | undefined> {
  const reference = withDefaultTag(parseReference(text));
  if (reference.digest === undefined) return await images.find(call, formatReference(reference));
  const { digest } = reference;
  const exact = await images.find(call, digestName(reference, digest));
  if (exact !== undefined) return exact;
  const all = await images.list(call);
  return all.find(({ name, target }) => target.digest === digest && isSameRepository(parseImageName(name), reference));
}

function isSameRepository(a: Reference | undefined, b: Reference): boolean {
  return a?.domain === b.domain && a.path === b.path;
}

/** By the ID, else by what a name points at, as containerd's clients know images; tags before digests. */
async function findById(call: Call, engine: ResolveEngine, hex: string): Promise<Image | undefined> {
  const prefix = `sha256:${hex}`;
  const all = await imagesWithIds(call, engine);
  const byId = all.filter(({ id }) => id.startsWith(prefix));
  const found = byId.length > 0 ? byId : all.filter(({ image }) => image.target.digest.startsWith(prefix));
  if (new Set(found.map(({ id }) => id)).size > 1) {
    throw new EngineError("invalidArgument", `multiple IDs found with provided prefix: ${hex}`);
  }
  const tagged = found.find(({ image }) => parseImageName(image.name)?.tag !== undefined);
  return (tagged ?? found[0])?.image;
}

async function namesOf(call: Call, engine: ResolveEngine, id: Digest, image: Image): Promise<ImageName[]> {
  const all = await imagesWithIds(call, engine);
  const names = all.filter((other) => other.id === id).map((other) => other.image.name);
  return names.includes(image.name) ? names : [image.name, ...names];
}

function withTag(reference: string): string {
  if (isDigest(reference) || /^[0-9a-f]{64}$/.test(reference)) return reference;
  return reference.includes("@") || /:[^/]*$/.test(reference) ? reference : `${reference}:latest`;
}
