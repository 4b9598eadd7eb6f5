import { EngineError } from "#base/errors.ts";
import { Limiter } from "#base/limiter.ts";
import type { Call } from "#core/call.ts";
import { isIndex, type Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import { decodeIndex, decodeManifest, imagesOf } from "#core/images/manifest.ts";
import type { Platform } from "#core/images/platform.ts";
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
import { withSource } from "./images/gc-references.ts";
import { digestName, type NamesEngine } from "./images/image-names.ts";
import { restoreLayers, type RecipesEngine } from "./images/layer-recipes.ts";
import { presentManifests, readDocument, readImage, type ReadEngine } from "./images/read-image.ts";

/** What a push does, per blob. The words are Docker's. */
export type PushProgress =
  | { readonly t: "preparing" | "layerExists" | "mounted" | "pushed"; readonly layer: Digest }
  | { readonly t: "pushing"; readonly layer: Digest; readonly currentBytes: number; readonly totalBytes: number };

export type PushRequest = {
  /** Name of an image that is here; it says where to push to as well. */
  readonly reference: string;
  /** Only this platform's part of an index. */
  readonly platform?: Platform;
  readonly auth?: RegistryAuth;
  readonly onProgress?: (progress: PushProgress) => void;
};

export type PushedImage = { readonly digest: Digest; readonly sizeBytes: number; readonly tag?: string };

export type PushEngine = ReadEngine & NamesEngine & RecipesEngine & Pick<Engine, "registry" | "events">;

const parallelUploads = 5;

/**
 * Brings an image to the registry of its name: blobs that are missing there, manifests, the index last. An index of
 * which not all is here is pushed as the manifest for this machine. Publishes `push`.
 *
 * Aborting leaves blobs that arrived; the tag changes at the very end.
 * @throws notFound when there is no such image here @throws as the registry says
 */
export async function pushImage(call: Call, engine: PushEngine, request: PushRequest): Promise<PushedImage> {
  const reference = withDefaultTag(parseReference(request.reference));
  const image = await engine.images.find(call, formatReference(reference));
  if (image === undefined) {
    const familiar = formatFamiliar(reference);
    throw new EngineError("notFound", `An image does not exist locally with the tag: ${familiar}`);
  }
  const access = request.auth === undefined ? {} : { auth: request.auth };
  const push = { reference, access, onProgress: request.onProgress ?? (() => {}) };
  const { target, manifests } = await whatToPush(call, engine, image.target, request.platform);
  await using undo = new AsyncDisposableStack();
  for (const manifest of manifests) {
    await restoreLayers(call, engine, manifest, undo);
    await pushBlobs(call, engine, push, manifest);
  }
  for (const manifest of manifests) {
    if (manifest.digest !== target.digest) await pushDocument(call, engine, push, manifest, false);
  }
  await pushDocument(call, engine, push, target, true);
  // Known by its digest there from now on, as after a pull.
  await engine.images.put(call, digestName(reference, target.digest), target);
  engine.events.publish({
    namespace: call.namespace,
    type: "image",
    action: "push",
    actorId: formatFamiliar(reference),
    attributes: { name: familiarRepository(reference) },
  });
  const { tag } = reference;
  return { digest: target.digest, sizeBytes: target.sizeBytes, ...(tag === undefined ? {} : { tag }) };
}

type Push = {
  readonly reference: Reference;
  readonly access: { auth?: RegistryAuth };
  readonly onProgress: (progress: PushProgress) => void;
};

async function whatToPush(call: Call, engine: PushEngine, target: Descriptor, platform: Platform | undefined) {
  if (isIndex(target.mediaType) && platform === undefined) {
    const index = decodeIndex(await readDocument(call, engine, target), target.mediaType);
    const manifests = await presentManifests(call, engine, index);
    const flat = imagesOf(index).every(({ mediaType }) => !isIndex(mediaType));
    if (flat && manifests.length === index.manifests.length) return { target, manifests };
  }
  const { manifest } = await readImage(call, engine, target, platform);
  return { target: manifest, manifests: [manifest] };
}

async function pushBlobs(call: Call, engine: PushEngine, push: Push, manifest: Descriptor): Promise<void> {
  const { config, layers } = decodeManifest(await readDocument(call, engine, manifest), manifest.mediaType);
  const blobs = new Map([...layers, config].map((blob) => [blob.digest, blob]));
  const limiter = new Limiter(parallelUploads);
  const failed = new AbortController();
  const own = { ...call, signal: AbortSignal.any([call.signal, failed.signal]) };
  for (const { digest } of layers) push.onProgress({ t: "preparing", layer: digest });
  const works = [...blobs.values()].map(async (blob) => {
    try {
      using _place = await limiter.acquire(own.signal);
      await pushBlob(own, engine, push, blob, blob !== config);
    } catch (error) {
      failed.abort(error);
    }
  });
  await Promise.all(works);
  call.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}

async function pushBlob(call: Call, engine: PushEngine, push: Push, blob: Descriptor, tell: boolean): Promise<void> {
  const { reference, access } = push;
  const { labels } = await engine.content.get(call, blob.digest);
  const known = labels[`containerd.io/distribution.source.${reference.domain}`] ?? "";
  const onProgress = tell ? throttled(push, blob) : () => {};
  await using reader = await engine.content.open(call, blob.digest);
  const outcome = await engine.registry.pushBlob(call, reference, blob, reader, {
    ...access,
    mountFrom: known.split(",").filter((path) => path !== ""),
    onProgress,
  });
  const words = { existed: "layerExists", mounted: "mounted", uploaded: "pushed" } as const;
  if (tell) push.onProgress({ t: words[outcome], layer: blob.digest });
  const patch = withSource(labels, reference.domain, reference.path);
  if (Object.keys(patch).length > 0) await engine.content.updateLabels(call, blob.digest, patch);
}

async function pushDocument(call: Call, engine: PushEngine, push: Push, descriptor: Descriptor, tagged: boolean) {
  const { domain, path } = push.reference;
  const reference = tagged ? push.reference : { domain, path, digest: descriptor.digest };
  const bytes = await readDocument(call, engine, descriptor);
  await engine.registry.pushManifest(call, reference, descriptor, bytes, push.access);
}

const minIntervalMs = 100;

function throttled({ onProgress }: Push, { digest: layer, sizeBytes: totalBytes }: Descriptor) {
  let lastMs = 0;
  return (currentBytes: number) => {
    const nowMs = performance.now();
    if (currentBytes < totalBytes && nowMs - lastMs < minIntervalMs) return;
    lastMs = nowMs;
    onProgress({ t: "pushing", layer, currentBytes, totalBytes });
  };
}
