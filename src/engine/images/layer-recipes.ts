import { randomUUID } from "node:crypto";
import { EngineError } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { chainIdsOf, isDigest, type ChainId, type Digest } from "#core/content/digest.ts";
import { decodeImageConfig } from "#core/images/image-config.ts";
import { decodeManifest } from "#core/images/manifest.ts";
import { gcLabels } from "#core/labels.ts";
import type { SnapshotKey, SnapshotName } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "../engine.ts";
import { readDocument } from "./read-image.ts";
import { underLease } from "./under-lease.ts";
import { writeBlob } from "./write-blob.ts";

export type RecipesEngine = Pick<Engine, "content" | "layers" | "leases" | "locks" | "settings" | "snapshotters">;

const recipeLabel = `${gcLabels.content}.recipe`;

/** Labels the manifest of an image whose layers are no blobs with what it needs: its config, and each layer's recipe. */
export async function referRecipes(
  call: Call,
  { content }: Pick<Engine, "content">,
  manifest: Digest,
  { config, recipes }: { config: Digest; recipes: readonly Digest[] },
): Promise<void> {
  const patch: Record<string, string> = { [`${gcLabels.content}.config`]: config };
  for (const [at, recipe] of recipes.entries()) patch[`${recipeLabel}.${at}`] = recipe;
  await content.updateLabels(call, manifest, patch);
}

/**
 * Puts those layers of an image into the store that are none of its blobs and can be made again from their snapshot and
 * recipe. They belong to the call's lease, or to one that ends with `undo`, and go with it.
 *
 * @throws dataLoss when one does not come out as its digest says
 */
export async function restoreLayers(
  caller: Call,
  engine: RecipesEngine,
  manifest: Descriptor,
  undo: AsyncDisposableStack,
): Promise<void> {
  const { labels } = await engine.content.get(caller, manifest.digest);
  if (labels[`${recipeLabel}.0`] === undefined) return;
  const call = await underLease(caller, engine, undo);
  const { config, layers } = decodeManifest(await readDocument(call, engine, manifest), manifest.mediaType);
  const chain = chainIdsOf(decodeImageConfig(await readDocument(call, engine, config)).diffIds);
  for (const [at, layer] of layers.entries()) {
    const recipe = labels[`${recipeLabel}.${at}`];
    const chainId = chain[at];
    if (recipe === undefined || chainId === undefined || !isDigest(recipe)) continue;
    using _lock = await engine.locks.acquire(`restore/${layer.digest}`, call.signal);
    await restore(call, engine, layer, { recipe, chainId });
  }
}

type Source = { readonly recipe: Digest; readonly chainId: ChainId };

/** The layer's own tree is the nearest parent of a view on it. A blob that is there is taken for the lease, and not made. */
async function restore(call: Call, engine: RecipesEngine, layer: Descriptor, source: Source): Promise<void> {
  const snapshotter = engine.snapshotters.get(engine.settings.defaultSnapshotter);
  const name = source.chainId as string as SnapshotName;
  if (snapshotter === undefined || (await snapshotter.find(call, name)) === undefined) {
    throw new EngineError("notFound", `layer ${layer.digest}: neither its blob nor its snapshot is here`);
  }
  const key = `restore ${randomUUID()}` as SnapshotKey;
  await using undo = new AsyncDisposableStack();
  await snapshotter.view(call, key, name);
  undo.defer(async () => await snapshotter.remove(detachedCall(call), key));
  const [filesDirectory] = (await snapshotter.layerTarget(call, key)).parents;
  if (filesDirectory === undefined) throw new EngineError("notFound", `layer ${layer.digest}: no tree of its own`);
  await using recipe = await engine.content.open(call, source.recipe);
  const archive = engine.layers.rebuild(call, { recipePath: recipe.path, filesDirectory });
  await writeBlob(call, engine, archive, layer.digest);
}
