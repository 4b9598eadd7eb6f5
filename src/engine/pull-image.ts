import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { compressionOf, isIndex, isManifest, mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import type { Image } from "#core/images/image-store.ts";
import { decodeImageConfig, type ImageConfig } from "#core/images/image-config.ts";
import {
  decodeIndex,
  decodeManifest,
  imagesOf,
  maxManifestBytes,
  selectManifest,
  type Manifest,
} from "#core/images/manifest.ts";
import { formatPlatform, platformRank, type Platform } from "#core/images/platform.ts";
import {
  familiarRepository,
  formatFamiliar,
  formatReference,
  parseReference,
  withDefaultTag,
  type Reference,
} from "#core/images/reference.ts";
import type { RegistryAuth } from "#core/registry/registry.ts";
import type { Engine } from "./engine.ts";
import { fetchBlob } from "./images/fetch-blob.ts";
import { labelUnpacked, referIndex, referManifest, withSource } from "./images/gc-references.ts";
import { assignNames, digestName } from "./images/image-names.ts";
import { readDocument } from "./images/read-image.ts";
import { underLease } from "./images/under-lease.ts";
import { unpackLayers, type UnpackEngine } from "./unpack-layers.ts";
import { progressOf, type PullProgress } from "./images/pull-progress.ts";

export type { PullProgress } from "./images/pull-progress.ts";

export type PullRequest = {
  /** As a person writes it: `nginx`, `quay.io/x/y:1`, `x@sha256:…`. */
  readonly reference: string;
  /** Default: this machine's, or what runs on it. */
  readonly platform?: Platform;
  /** Bring every platform of an index; this machine's is the one that is unpacked. */
  readonly allPlatforms?: boolean;
  readonly auth?: RegistryAuth;
  /** Default: the engine's. */
  readonly snapshotter?: string;
  /** Default true. */
  readonly unpack?: boolean;
  readonly onProgress?: (progress: PullProgress) => void;
};

export type PulledImage = {
  readonly image: Image;
  /** The manifest for the platform; with `allPlatforms` for this machine's. */
  readonly manifest: Descriptor;
  /** Digest of its config. */
  readonly imageId: Digest;
  /** The name is new or points elsewhere now. */
  readonly changed: boolean;
};

export type PullEngine = UnpackEngine & Pick<Engine, "images" | "registry" | "events" | "downloads" | "blobFlights">;

/** One platform's image on its way. */
type Part = { readonly manifest: Descriptor; readonly document: Manifest; readonly config: ImageConfig };

/**
 * Brings an image from a registry into the namespace, names it and unpacks it.
 *
 * Everything is under a lease until it is named. Aborting leaves no name; bytes that came stay for a later pull until
 * garbage collection. Publishes `pull`.
 *
 * @throws notFound @throws unauthenticated @throws permissionDenied @throws unavailable as the registry says
 * @throws invalidArgument when it is no image we can run (schema 1, an artifact) @throws dataLoss when bytes are wrong
 */
export async function pullImage(call: Call, engine: PullEngine, request: PullRequest): Promise<PulledImage> {
  const reference = withDefaultTag(parseReference(request.reference));
  await using undo = new AsyncDisposableStack();
  const leased = await underLease(call, engine, undo);
  const access = request.auth === undefined ? {} : { auth: request.auth };
  const target = await engine.registry.resolve(leased, reference, access);
  request.onProgress?.({ t: "resolved", digest: target.digest });
  const pull = { ...request, reference, access, target };
  const parts = await readParts(leased, engine, pull);
  const [main] = parts;
  if (main === undefined) throw new EngineError("notFound", `${formatFamiliar(reference)}: the index is empty`);
  await bringLayers(leased, engine, pull, parts, main);
  const { image, changed } = await nameImage(leased, engine, pull);
  engine.events.publish({
    namespace: call.namespace,
    type: "image",
    action: "pull",
    actorId: formatFamiliar(reference),
    attributes: { ...main.config.config.labels, name: familiarRepository(reference) },
  });
  return { image, manifest: main.manifest, imageId: main.document.config.digest, changed };
}

type Pull = Omit<PullRequest, "reference"> & {
  readonly reference: Reference;
  readonly access: { auth?: RegistryAuth };
  readonly target: Descriptor;
};

/** Manifests and configs of all platforms wanted, this machine's first. */
async function readParts(call: Call, engine: PullEngine, pull: Pull): Promise<Part[]> {
  const manifests = await selectManifests(call, engine, pull, pull.target, 0);
  const parts = await Promise.all(manifests.map((manifest) => readPart(call, engine, pull, manifest)));
  const wanted = pull.platform ?? engine.settings.platform;
  const rank = ({ config }: Part) => platformRank(wanted, config.platform) ?? Number.MAX_SAFE_INTEGER;
  return parts.sort((a, b) => rank(a) - rank(b));
}

async function selectManifests(
  call: Call,
  engine: PullEngine,
  pull: Pull,
  target: Descriptor,
  depth: number,
): Promise<Descriptor[]> {
  if (isManifest(target.mediaType)) return [target];
  if (!isIndex(target.mediaType) || depth > 3) throw notAnImage(pull.reference, target.mediaType);
  const index = decodeIndex(await document(call, engine, pull, target), target.mediaType);
  const exact = pull.platform !== undefined;
  const wanted = pull.platform ?? engine.settings.platform;
  const chosen = pull.allPlatforms === true ? imagesOf(index) : [selectManifest(index, wanted, { exact })];
  const manifests: Descriptor[] = [];
  for (const descriptor of chosen)
    manifests.push(...(await selectManifests(call, engine, pull, descriptor, depth + 1)));
  // The manifests must be here before the index says that it needs them.
  await Promise.all(chosen.map((descriptor) => document(call, engine, pull, descriptor)));
  await referIndex(call, engine, target.digest, chosen);
  return manifests;
}

async function readPart(call: Call, engine: PullEngine, pull: Pull, manifest: Descriptor): Promise<Part> {
  const decoded = decodeManifest(await document(call, engine, pull, manifest), manifest.mediaType);
  const { config: configDescriptor, layers } = decoded;
  if (configDescriptor.mediaType !== mediaTypes.ociConfig && configDescriptor.mediaType !== mediaTypes.dockerConfig) {
    throw notAnImage(pull.reference, decoded.artifactType ?? configDescriptor.mediaType);
  }
  for (const { mediaType } of layers) {
    if (compressionOf(mediaType) === undefined) throw notAnImage(pull.reference, mediaType);
  }
  const config = decodeImageConfig(await document(call, engine, pull, configDescriptor));
  if (config.diffIds.length !== layers.length) {
    const counts = `${layers.length} layers, its config names ${config.diffIds.length}`;
    throw new EngineError("invalidArgument", `${formatFamiliar(pull.reference)}: the manifest has ${counts}`);
  }
  checkPlatform(pull, config);
  return { manifest, document: decoded, config };
}

/** Docker's text where a single image is not for the platform that was asked for. */
function checkPlatform({ platform, reference }: Pull, config: ImageConfig): void {
  if (platform === undefined || config.platform.os === "") return;
  if (platformRank(platform, config.platform, { exact: true }) !== undefined) return;
  const wanted = `wanted ${formatPlatform(platform)}, actual: ${formatPlatform(config.platform)}`;
  const text = `image with reference ${formatFamiliar(reference)} was found but does not match the specified platform`;
  throw new EngineError("notFound", `${text}: ${wanted}`);
}

/** Layers of all parts, each blob once; those of `main` are unpacked while others still come. */
async function bringLayers(
  call: Call,
  engine: PullEngine,
  pull: Pull,
  parts: readonly Part[],
  main: Part,
): Promise<void> {
  const layers = new Map(parts.flatMap(({ document }) => document.layers.map((layer) => [layer.digest, layer])));
  const progress = progressOf(pull.onProgress);
  for (const digest of layers.keys()) progress({ t: "waiting", layer: digest });
  const failed = new AbortController();
  const own = { ...call, signal: AbortSignal.any([call.signal, failed.signal]) };
  const arrivals = new Map<Digest, Promise<void>>();
  for (const [digest, layer] of layers) arrivals.set(digest, fetchLayer(own, engine, pull, layer, progress));
  const ready = async (index: number) =>
    await arrivals.get(main.document.layers[index]?.digest ?? main.manifest.digest);
  const unpacked = pull.unpack === false ? undefined : unpack(own, engine, pull, main, { ready, progress });
  await allOrFirstError(
    call,
    failed,
    unpacked === undefined ? [...arrivals.values()] : [...arrivals.values(), unpacked],
  );
  for (const { manifest, document } of parts) await referManifest(call, engine, manifest.digest, document);
}

async function unpack(
  call: Call,
  engine: PullEngine,
  { snapshotter = engine.settings.defaultSnapshotter }: Pull,
  { config, document }: Part,
  { ready, progress }: { ready: (index: number) => Promise<void>; progress: (progress: PullProgress) => void },
): Promise<void> {
  const { layers, config: descriptor } = document;
  const { snapshotName } = await unpackLayers(call, engine, {
    snapshotter,
    diffIds: config.diffIds,
    layers,
    ready,
    onProgress: ({ t, layer }) => {
      if (t !== "alreadyExists") progress({ t, layer });
    },
  });
  await labelUnpacked(call, engine, descriptor.digest, snapshotter, snapshotName);
}

async function fetchLayer(
  call: Call,
  engine: PullEngine,
  { reference, access }: Pull,
  descriptor: Descriptor,
  progress: (progress: PullProgress) => void,
): Promise<void> {
  const { digest: layer, sizeBytes: totalBytes } = descriptor;
  const onBytes = (currentBytes: number) => {
    progress({ t: currentBytes === totalBytes ? "verifying" : "downloading", layer, currentBytes, totalBytes });
  };
  const outcome = await fetchBlob(call, engine, { reference, descriptor, access, onBytes });
  progress({ t: outcome === "existed" ? "alreadyExists" : "downloadComplete", layer });
  if (outcome === "existed") await rememberSource(call, engine, reference, layer);
}

/** Waits for all; the first failure ends the others before it is thrown. */
async function allOrFirstError(call: Call, failed: AbortController, works: readonly Promise<void>[]): Promise<void> {
  await Promise.all(works.map((work) => work.catch((error: unknown) => failed.abort(error))));
  call.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}

async function nameImage(call: Call, engine: PullEngine, { reference, target }: Pull) {
  const byDigest = digestName(reference, target.digest);
  const name = reference.digest === undefined ? formatReference(reference) : byDigest;
  const names = name === byDigest ? [name] : [name, byDigest];
  const { changed, images } = await assignNames(call, engine, names, target);
  const [image] = images;
  if (image === undefined) throw new Error("no name was assigned");
  return { image, changed };
}

async function document(call: Call, engine: PullEngine, { reference, access }: Pull, descriptor: Descriptor) {
  if (descriptor.sizeBytes > maxManifestBytes) {
    throw new EngineError("invalidArgument", `content ${descriptor.digest}: ${descriptor.sizeBytes} bytes is too long`);
  }
  if ((await fetchBlob(call, engine, { reference, descriptor, access })) === "existed") {
    await rememberSource(call, engine, reference, descriptor.digest);
  }
  return await readDocument(call, engine, descriptor);
}

async function rememberSource(call: Call, { content }: PullEngine, { domain, path }: Reference, digest: Digest) {
  const { labels } = await content.get(call, digest);
  const patch = withSource(labels, domain, path);
  if (Object.keys(patch).length > 0) await content.updateLabels(call, digest, patch);
}

function notAnImage(reference: Reference, mediaType: string): EngineError {
  const text = `${formatFamiliar(reference)}: unsupported media type ${mediaType}: this is not a container image`;
  return new EngineError("invalidArgument", text);
}
