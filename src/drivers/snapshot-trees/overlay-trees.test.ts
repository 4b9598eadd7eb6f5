import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { MemorySnapshotIndex } from "#core/snapshots/memory-snapshot-index.ts";
import { snapshotterContract } from "#core/snapshots/snapshotter.contract.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { LinuxMounter } from "#drivers/mount-linux/linux-mounter.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { OverlayTrees } from "./overlay-trees.ts";
import { TreeSnapshotter } from "./tree-snapshotter.ts";

for (const records of ["memory", "sqlite"] as const) {
  snapshotterContract(`overlay, records in ${records}`, async () => {
    await using stack = new AsyncDisposableStack();
    const { path: directory } = stack.use(await temporaryDirectory("overlay"));
    const mounter = new LinuxMounter();
    stack.defer(async () => assert.deepEqual(await mounter.list(directory), []));
    const index =
      records === "memory"
        ? new MemorySnapshotIndex()
        : stack.use(SqliteMetadata.open(join(directory, "meta.db"))).snapshots("overlay");
    const trees = join(directory, "trees");
    const open = () => new TreeSnapshotter(new OverlayTrees(), trees, index);
    const owned = stack.move();
    return {
      snapshotter: open(),
      mounter,
      directory,
      reopen: async () => open(),
      trees: async () => (await readdir(trees)).map((tree) => join(trees, tree)),
      [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
    };
  });
}
