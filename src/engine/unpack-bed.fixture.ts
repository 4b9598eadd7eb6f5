import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { KeyedLock } from "#base/keyed-lock.ts";
import { NativeTrees } from "#drivers/snapshot-trees/native-trees.ts";
import { OverlayTrees } from "#drivers/snapshot-trees/overlay-trees.ts";
import { TreeSnapshotter } from "#drivers/snapshot-trees/tree-snapshotter.ts";
import { FsContentStore } from "#drivers/content-fs/fs-content-store.ts";
import { LayerWorkers } from "#drivers/layer-tar/layer-workers.ts";
import { TarLayerApplier } from "#drivers/layer-tar/tar-layer-applier.ts";
import { TarTreeArchiver } from "#drivers/layer-tar/tar-tree-archiver.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { LinuxMounter } from "#drivers/mount-linux/linux-mounter.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import type { UnpackEngine } from "./unpack-layers.ts";

export type UnpackBed = AsyncDisposable & { readonly engine: UnpackEngine; readonly directory: string };

/** As much of an engine as unpacking needs, of real parts. Its end proves that no mount and no mount point is left. */
export async function openUnpackBed(): Promise<UnpackBed> {
  await using stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(await temporaryDirectory("unpack"));
  const metadata = stack.use(SqliteMetadata.open(join(directory, "meta.db")));
  const workers = stack.use(new LayerWorkers());
  const mounter = new LinuxMounter();
  const snapshotters = [
    new TreeSnapshotter(new OverlayTrees(), join(directory, "overlayfs"), metadata.snapshots("overlayfs")),
    new TreeSnapshotter(
      new NativeTrees(new TarTreeArchiver(workers)),
      join(directory, "native"),
      metadata.snapshots("native"),
    ),
  ];
  const engine: UnpackEngine = {
    content: await FsContentStore.open(join(directory, "content"), metadata.content),
    layers: new TarLayerApplier(workers),
    leases: metadata.leases,
    locks: new KeyedLock(),
    mounter,
    settings: {
      platform: { os: "linux", architecture: "amd64" },
      rootDirectory: directory,
      stateDirectory: join(directory, "state"),
      defaultSnapshotter: "overlayfs",
      layerLimits: { maxUncompressedBytes: 2 ** 34, maxEntries: 100_000 },
    } as UnpackEngine["settings"],
    snapshotters: new Map(snapshotters.map((snapshotter) => [snapshotter.name, snapshotter])),
  };
  stack.defer(async () => {
    assert.deepEqual(await mounter.list(directory), []);
    assert.deepEqual(await readdir(join(directory, "state/unpack")).catch(() => []), []);
  });
  const owned = stack.move();
  return { engine, directory, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}
