import { randomBytes } from "node:crypto";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, isKind } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import { compressionOf, type Descriptor } from "#core/content/descriptor.ts";
import type { DiffId } from "#core/content/digest.ts";
import type { AppliedLayer, LayerRecipe } from "#core/layers/layer-applier.ts";
import {
  unpackingLabel,
  type LayerTarget,
  type SnapshotKey,
  type SnapshotName,
  type Snapshotter,
} from "#core/snapshots/snapshotter.ts";
import type { Engine } from "../engine.ts";
import { throughOneMount } from "./common-mount.ts";
import { unpackDirectory } from "./unpack-directory.ts";

type UnpackLayerEngine = Pick<Engine, "content" | "layers" | "mounter" | "settings">;

export type LayerToUnpack = {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly name: SnapshotName;
  readonly parent?: SnapshotName;
  /** Where the archive is instead of in a blob. */
  readonly recipe?: LayerRecipe;
};

/**
 * Unpacks one layer and commits it as `layer.name` once `below` has settled. The caller holds the name's lock.
 *
 * Where the snapshotter can, the layer is unpacked without knowing what it will stand on. A layer that needs its
 * parents (a hard link to a file of theirs, a directory that is a link there) is unpacked again on top of them.
 */
export async function unpackLayer(
  call: Call,
  engine: UnpackLayerEngine,
  snapshotter: Snapshotter,
  layer: LayerToUnpack,
  below: Promise<void>,
): Promise<void> {
  if (snapshotter.capabilities.rebase) {
    try {
      return await unpackApart(call, engine, snapshotter, layer, below);
    } catch (error) {
      if (layer.parent === undefined || !isKind(error, "failedPrecondition")) throw error;
      call.log.debug({ digest: layer.descriptor.digest, reason: String(error) }, "layer needs those below");
    }
  }
  await below;
  await unpackOnParent(call, engine, snapshotter, layer);
}

async function unpackApart(
  call: Call,
  engine: UnpackLayerEngine,
  snapshotter: Snapshotter,
  layer: LayerToUnpack,
  below: Promise<void>,
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const key = await prepare(call, snapshotter, layer, undefined, undo);
  const { directory, whiteouts } = await snapshotter.layerTarget(call, key);
  const applied = await apply(call, engine, layer, { directory, whiteouts, parents: [] });
  await below;
  const { parents } = await snapshotter.layerTarget(call, key, layer.parent);
  await engine.layers.inheritDirectories(call, directory, applied.impliedDirectories, parents);
  const { sizeBytes, inodes } = applied;
  const parent = layer.parent === undefined ? {} : { parent: layer.parent };
  await snapshotter.commit(call, layer.name, key, { ...parent, usage: { sizeBytes, inodes } });
  undo.move();
}

/** With the parents' files in view: what the snapshotter mounts where it stacks, else its own copy. */
async function unpackOnParent(
  call: Call,
  engine: UnpackLayerEngine,
  snapshotter: Snapshotter,
  layer: LayerToUnpack,
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const key = await prepare(call, snapshotter, layer, layer.parent, undo);
  const target = await snapshotter.layerTarget(call, key);
  if (target.whiteouts === "delete") await apply(call, engine, layer, target);
  else await applyMounted(call, engine, snapshotter, layer, key);
  await snapshotter.commit(call, layer.name, key);
  undo.move();
}

async function applyMounted(
  call: Call,
  engine: UnpackLayerEngine,
  snapshotter: Snapshotter,
  layer: LayerToUnpack,
  key: SnapshotKey,
): Promise<void> {
  const directory = join(unpackDirectory(engine), randomBytes(8).toString("hex"));
  await using undo = new AsyncDisposableStack();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  undo.defer(async () => await rmdir(directory));
  await engine.mounter.mount(call, await snapshotter.mounts(call, key), directory);
  undo.defer(async () => await engine.mounter.unmount(detachedCall(call), directory));
  await apply(call, engine, layer, { directory, whiteouts: "delete", parents: [] });
}

/** At start: takes away mounts of unpacks that were cut short. */
export async function recoverUnpacks(call: Call, engine: Pick<Engine, "mounter" | "settings">): Promise<void> {
  for (const path of await engine.mounter.list(unpackDirectory(engine))) await engine.mounter.unmount(call, path);
}

/** An active snapshot that goes with `undo`; one that an earlier process left is removed first. */
async function prepare(
  call: Call,
  snapshotter: Snapshotter,
  layer: LayerToUnpack,
  parent: SnapshotName | undefined,
  undo: AsyncDisposableStack,
): Promise<SnapshotKey> {
  const key = `unpack ${layer.name}` as SnapshotKey;
  if ((await snapshotter.find(call, key)) !== undefined) await snapshotter.remove(call, key);
  await snapshotter.prepare(call, key, parent, { [unpackingLabel]: "true" });
  undo.defer(async () => await snapshotter.remove(detachedCall(call, 600_000), key));
  return key;
}

async function apply(
  call: Call,
  engine: UnpackLayerEngine,
  layer: LayerToUnpack,
  target: LayerTarget,
): Promise<AppliedLayer> {
  const { descriptor, diffId, recipe } = layer;
  const applied =
    recipe === undefined
      ? await applyBlob(call, engine, descriptor, target)
      : await applyRecipe(call, engine, recipe, target);
  if (applied.diffId === diffId) {
    if (recipe === undefined || applied.archiveBytes === descriptor.sizeBytes) return applied;
    throw new EngineError("dataLoss", `layer ${diffId}: ${applied.archiveBytes} bytes, not ${descriptor.sizeBytes}`);
  }
  throw new EngineError(
    "dataLoss",
    `layer ${descriptor.digest}: DiffID is ${applied.diffId}, the config says ${diffId}`,
  );
}

/** Files are shared between two trees of one mount only. */
async function applyRecipe(
  call: Call,
  engine: UnpackLayerEngine,
  recipe: LayerRecipe,
  target: LayerTarget,
): Promise<AppliedLayer> {
  await using undo = new AsyncDisposableStack();
  const paths = [recipe.filesDirectory, target.directory] as const;
  const [filesDirectory, directory] = await throughOneMount(call, engine, paths, undo);
  const { layerLimits } = engine.settings;
  return await engine.layers.apply(call, { ...recipe, filesDirectory }, { ...target, directory }, layerLimits);
}

async function applyBlob(
  call: Call,
  engine: UnpackLayerEngine,
  { mediaType, digest }: Descriptor,
  target: LayerTarget,
): Promise<AppliedLayer> {
  const compression = compressionOf(mediaType);
  if (compression === undefined) {
    throw new EngineError("invalidArgument", `layer ${digest}: media type ${mediaType} is no layer`);
  }
  await using blob = await engine.content.open(call, digest);
  return await engine.layers.apply(call, { blob, compression }, target, engine.settings.layerLimits);
}
