import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { MemorySnapshotIndex } from "#core/snapshots/memory-snapshot-index.ts";
import type { SnapshotKey, SnapshotName } from "#core/snapshots/snapshotter.ts";
import { snapshotterContract } from "#core/snapshots/snapshotter.contract.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { LinuxMounter } from "#drivers/mount-linux/linux-mounter.ts";
import { testCall } from "#test/support/call.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { OverlayTrees } from "./overlay-trees.ts";
import { TreeSnapshotter } from "./tree-snapshotter.ts";

const call = testCall();

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
    const open = () => new TreeSnapshotter(new OverlayTrees(), trees, index, { sync: records === "sqlite" });
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

for (const sync of [true, false]) {
  test(`a committed tree is ${sync ? "" : "not "}on the disk when its record is written`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, "filefrag")) return;
    await using directory = await temporaryDirectory("synced");
    const ext4 = 0xef53;
    if ((await statfs(directory.path)).type !== ext4) return t.skip("needs ext4, which tells what is not written yet");
    const index = new MemorySnapshotIndex();
    let flags = "";
    const commit = index.commit.bind(index);
    const snapshotter = new TreeSnapshotter(new OverlayTrees(), directory.path, index, { sync });
    const key = "key" as SnapshotKey;
    await snapshotter.prepare(call, key);
    const { directory: target } = await snapshotter.layerTarget(call, key);
    await writeFile(join(target, "file"), Buffer.alloc(200_000, 7));
    index.commit = async (...args: Parameters<typeof commit>) => {
      flags = execFileSync("filefrag", ["-v", join(target, "file")], { encoding: "utf8" });
      return await commit(...args);
    };
    await snapshotter.commit(call, "name" as SnapshotName, key);
    assert.equal(flags.includes("delalloc"), !sync, flags);
  });
}
