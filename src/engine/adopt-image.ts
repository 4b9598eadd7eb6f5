import { createReadStream } from "node:fs";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import type { DiffId, Digest } from "#core/content/digest.ts";
import { decodeImageConfig } from "#core/images/image-config.ts";
import type { ImageName } from "#core/images/image-store.ts";
import { formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";
import type { LayerRecipe } from "#core/layers/layer-applier.ts";
import type { Engine } from "./engine.ts";
import { labelUnpacked } from "./images/gc-references.ts";
import { assignNames, danglingName, type NamesEngine } from "./images/image-names.ts";
import { referRecipes } from "./images/layer-recipes.ts";
import { storeManifest } from "./images/store-image.ts";
import { underLease } from "./images/under-lease.ts";
import { writeBlob, writeDocument } from "./images/write-blob.ts";
import { unpackLayers, type UnpackEngine, type UnpackProgress } from "./unpack-layers.ts";

export type AdoptRequest = {
  /** The image's config as it is; its digest becomes the image's ID. */
  readonly configBytes: Uint8Array;
  /** Lowest first: trees of another engine on this machine, with the recipes of their archives. */
  readonly layers: readonly AdoptedLayer[];
  /** References, by tag or by digest; a digest's is an alias, the manifest behind it is a new one. */
  readonly names: readonly string[];
  readonly onProgress?: (progress: UnpackProgress) => void;
};

/** `archiveBytes`: how long the archive is that the recipe makes. */
export type AdoptedLayer = LayerRecipe & { readonly archiveBytes: number };

export type AdoptedImage = {
  readonly imageId: Digest;
  readonly target: Descriptor;
  readonly layers: readonly { readonly diffId: DiffId; readonly how: "carried" | "present" }[];
};

export type AdoptEngine = UnpackEngine & NamesEngine & Pick<Engine, "events">;

/**
 * Takes an image from the trees of another engine on this machine: verified by its DiffIDs, unpacked, named last. Files
 * are shared with those trees where the filesystem can; blobs of the layers are not made. Who needs one (a push, a save)
 * gets it from the snapshot and the recipe, which the image keeps. Publishes `load`.
 *
 * @throws dataLoss when a layer is not what the config says @throws invalidArgument @throws resourceExhausted
 */
export async function adoptImage(call: Call, engine: AdoptEngine, request: AdoptRequest): Promise<AdoptedImage> {
  await using undo = new AsyncDisposableStack();
  const leased = await underLease(call, engine, undo);
  const names = request.names.map((name) => formatReference(withDefaultTag(parseReference(name))));
  const { diffIds } = decodeImageConfig(request.configBytes);
  if (diffIds.length !== request.layers.length) {
    const counts = `${request.layers.length} layers, its config names ${diffIds.length}`;
    throw new EngineError("invalidArgument", `image to adopt: it has ${counts}`);
  }
  const layers = diffIds.map((diffId, at) => describe(diffId, request.layers[at]));
  const present = new Set<Digest>();
  const { snapshotName } = await unpackLayers(leased, engine, {
    diffIds,
    layers,
    recipes: request.layers,
    onProgress(progress) {
      if (progress.t === "alreadyExists") present.add(progress.layer);
      request.onProgress?.(progress);
    },
  });
  const config = await writeDocument(leased, engine, mediaTypes.ociConfig, request.configBytes);
  const recipes = await keepRecipes(leased, engine, request.layers);
  const target = await storeManifest(leased, engine, { config, layers });
  await referRecipes(leased, engine, target.digest, { config: config.digest, recipes });
  await labelUnpacked(leased, engine, config.digest, engine.settings.defaultSnapshotter, snapshotName);
  await assignNames(leased, engine, names.length > 0 ? names : [danglingName(target.digest)], target);
  publish(call, engine, config.digest, names);
  const how = (diffId: DiffId) => (present.has(diffId as string as Digest) ? "present" : "carried");
  return { imageId: config.digest, target, layers: diffIds.map((diffId) => ({ diffId, how: how(diffId) })) };
}

/** A plain archive's digest is its DiffID. */
function describe(diffId: DiffId, layer: AdoptedLayer | undefined): Descriptor {
  if (layer === undefined) throw new Error(`layer ${diffId}: no recipe`);
  return { mediaType: mediaTypes.ociLayer, digest: diffId as string as Digest, sizeBytes: layer.archiveBytes };
}

async function keepRecipes(call: Call, engine: AdoptEngine, layers: readonly LayerRecipe[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const { recipePath } of layers) {
    digests.push((await writeBlob(call, engine, createReadStream(recipePath) as AsyncIterable<Buffer>)).digest);
  }
  return digests;
}

function publish(call: Call, { events }: AdoptEngine, id: Digest, names: readonly ImageName[]): void {
  const name = names[0] ?? id;
  events.publish({ namespace: call.namespace, type: "image", action: "load", actorId: id, attributes: { name } });
}
