import { parseRfc3339 } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import { tarDirectory, tarFile, writeTar, type TarItem } from "#base/tar/write-tar.ts";
import type { Call } from "#core/call.ts";
import { isIndex, type Descriptor } from "#core/content/descriptor.ts";
import { algorithmOf, hexOf, type Digest } from "#core/content/digest.ts";
import { decodeIndex, decodeManifest, encodeDescriptor, imagesOf } from "#core/images/manifest.ts";
import type { ImageName } from "#core/images/image-store.ts";
import type { Platform } from "#core/images/platform.ts";
import { formatFamiliar, parseReference } from "#core/images/reference.ts";
import { parseImageName } from "./images/image-names.ts";
import { restoreLayers, type RecipesEngine } from "./images/layer-recipes.ts";
import { presentManifests, readDocument } from "./images/read-image.ts";
import { underLease } from "./images/under-lease.ts";
import { resolveImage, type ResolvedImage, type ResolveEngine } from "./resolve-image.ts";

export type SaveRequest = {
  /** Names, IDs, or repositories without a tag for all their tags. */
  readonly references: readonly string[];
  /** Only this platform's part of an index. */
  readonly platform?: Platform;
};

export type SaveEngine = ResolveEngine & RecipesEngine;

/** An image with the names it is saved under. */
type Saved = { readonly image: ResolvedImage; readonly names: ImageName[]; readonly target: Descriptor };

/**
 * Images as one archive that is an OCI layout and has Docker's `manifest.json`: `docker load`, `ctr images import` and
 * skopeo read it.
 *
 * Failures to find an image come before the first byte; the archive is made as it is read, under a lease.
 * @throws notFound @throws invalidArgument
 */
export async function saveImages(
  call: Call,
  engine: SaveEngine,
  request: SaveRequest,
): Promise<AsyncGenerator<Uint8Array>> {
  const saved = await collect(call, engine, request);
  return archive(call, engine, saved);
}

async function* archive(call: Call, engine: SaveEngine, saved: readonly Saved[]): AsyncGenerator<Uint8Array> {
  await using undo = new AsyncDisposableStack();
  const leased = await underLease(call, engine, undo);
  if (leased.leaseId !== undefined) {
    for (const { target } of saved) {
      await engine.leases.addResource(leased, leased.leaseId, { t: "content", digest: target.digest });
    }
  }
  for (const { image } of saved) await restoreLayers(leased, engine, image.manifest, undo);
  yield* writeTar(items(leased, engine, saved));
}

async function* items(call: Call, engine: SaveEngine, saved: readonly Saved[]): AsyncGenerator<TarItem> {
  const times = saved.map(({ image }) => Number((parseRfc3339(image.config.created ?? "") ?? 0n) / 1_000_000_000n));
  const mtimeSeconds = Math.max(0, ...times);
  const json = (name: string, value: unknown): TarItem => {
    const body = Buffer.from(JSON.stringify(value));
    return { entry: tarFile(name, body.length, { mtimeSeconds }), body };
  };
  yield json("oci-layout", { imageLayoutVersion: "1.0.0" });
  yield json("index.json", { schemaVersion: 2, mediaType: indexType, manifests: saved.flatMap(indexEntries) });
  yield json("manifest.json", saved.map(dockerEntry));
  yield { entry: tarDirectory("blobs", { mtimeSeconds }) };
  const directories = new Set<string>();
  for (const digest of await digestsOf(call, engine, saved)) {
    const directory = `blobs/${algorithmOf(digest)}`;
    if (!directories.has(directory)) yield { entry: tarDirectory(directory, { mtimeSeconds }) };
    directories.add(directory);
    await using reader = await engine.content.open(call, digest);
    yield { entry: tarFile(blobPath(digest), reader.sizeBytes, { mtimeSeconds }), body: reader.stream() };
  }
}

const indexType = "application/vnd.oci.image.index.v1+json";

/** Images by ID, each once, with the names that were asked for. */
async function collect(call: Call, engine: SaveEngine, { references, platform }: SaveRequest): Promise<Saved[]> {
  if (references.length === 0) throw new EngineError("invalidArgument", "save: no image is named");
  const saved = new Map<Digest, Saved>();
  for (const reference of references) {
    for (const [image, name] of await withTags(call, engine, reference, platform)) {
      const target = await completeTarget(call, engine, image, platform);
      const entry = saved.get(target.digest) ?? { image, names: [], target };
      if (name !== undefined && !entry.names.includes(name)) entry.names.push(name);
      saved.set(target.digest, entry);
    }
  }
  return [...saved.values()];
}

/** A repository without a tag stands for all its tags, if it has any. */
async function withTags(
  call: Call,
  engine: SaveEngine,
  reference: string,
  platform: Platform | undefined,
): Promise<[ResolvedImage, ImageName | undefined][]> {
  const options = platform === undefined ? {} : { platform };
  const tags = await tagsOf(call, engine, reference);
  if (tags.length === 0) {
    const image = await resolveImage(call, engine, reference, options);
    return [
      [image, image.name === undefined || parseImageName(image.name)?.tag === undefined ? undefined : image.name],
    ];
  }
  const images: [ResolvedImage, ImageName][] = [];
  for (const name of tags) images.push([await resolveImage(call, engine, name, options), name]);
  return images;
}

async function tagsOf(call: Call, engine: SaveEngine, reference: string): Promise<ImageName[]> {
  if (/^sha256:|^[0-9a-f]{64}$/.test(reference)) return [];
  const { domain, path, tag, digest } = parseReference(reference);
  if (tag !== undefined || digest !== undefined) return [];
  const names = (await engine.images.list(call)).map(({ name }) => name);
  return names.filter((name) => {
    const parsed = parseImageName(name);
    return parsed?.domain === domain && parsed.path === path && parsed.tag !== undefined;
  });
}

/** The index where all of it is here, else the manifest: an archive must be whole. */
async function completeTarget(call: Call, engine: SaveEngine, image: ResolvedImage, platform: Platform | undefined) {
  if (!isIndex(image.target.mediaType) || platform !== undefined) return image.manifest;
  const index = decodeIndex(await readDocument(call, engine, image.target), image.target.mediaType);
  const present = await presentManifests(call, engine, index);
  const flat = imagesOf(index).every(({ mediaType }) => !isIndex(mediaType));
  return flat && present.length === index.manifests.length ? image.target : image.manifest;
}

async function digestsOf(call: Call, engine: SaveEngine, saved: readonly Saved[]): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for (const { target } of saved) {
    digests.add(target.digest);
    const manifests = isIndex(target.mediaType)
      ? decodeIndex(await readDocument(call, engine, target), target.mediaType).manifests
      : [target];
    for (const manifest of manifests) {
      const { config, layers } = decodeManifest(await readDocument(call, engine, manifest), manifest.mediaType);
      for (const { digest } of [manifest, config, ...layers]) digests.add(digest);
    }
  }
  return digests;
}

/** One entry for each name, as containerd's and Docker's exports annotate them. */
function indexEntries({ target, names }: Saved): Record<string, unknown>[] {
  const plain = encodeDescriptor(target);
  if (names.length === 0) return [plain];
  return names.map((name) => ({
    ...plain,
    annotations: {
      ...target.annotations,
      "io.containerd.image.name": name,
      "org.opencontainers.image.ref.name": parseImageName(name)?.tag ?? name,
    },
  }));
}

/** Source: Docker's image spec v1.2, "Combined Image JSON + Filesystem Changeset Format". */
function dockerEntry({ image, names }: Saved): Record<string, unknown> {
  const tags = names.flatMap((name) => parseImageName(name) ?? []).map(formatFamiliar);
  return {
    Config: blobPath(image.document.config.digest),
    RepoTags: tags.length === 0 ? null : tags,
    Layers: image.document.layers.map(({ digest }) => blobPath(digest)),
  };
}

function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
