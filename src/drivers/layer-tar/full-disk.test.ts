import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { isKind, messageOf } from "#base/errors.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import { LinuxMounter } from "#drivers/mount-linux/linux-mounter.ts";
import { testCall } from "#test/support/call.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { LayerWorkers } from "./layer-workers.ts";
import { archive, raw } from "./raw-tar.fixture.ts";
import { TarLayerApplier } from "./tar-layer-applier.ts";

const call = testCall();
const limits = { maxUncompressedBytes: 2 ** 40, maxEntries: 100_000 };

const layers: [title: string, tar: Buffer, tmpfs: string][] = [
  ["bytes", archive(raw("big", { body: Buffer.alloc(4 << 20, 1) })), "size=1m"],
  ["inodes", archive(...Array.from({ length: 100 }, (_, i) => raw(`f${i}`))), "nr_inodes=20"],
];

for (const [title, tar, option] of layers) {
  test(`a disk out of ${title} is said to be full`, async (t) => {
    if (!requireRoot(t)) return;
    await using scratch = await temporaryDirectory("full");
    await using workers = new LayerWorkers();
    const directory = join(scratch.path, "tree");
    const path = join(scratch.path, "layer");
    await mkdir(directory);
    await writeFile(path, tar);
    const mounter = new LinuxMounter();
    await mounter.mount(call, [{ type: "tmpfs", source: "full", options: [option] }], directory);
    try {
      const blob = { path, sizeBytes: tar.length } as BlobReader;
      const target = { directory, whiteouts: "overlay", parents: [] } as const;
      const applied = new TarLayerApplier(workers).apply(call, { blob, compression: "none" }, target, limits);
      await assert.rejects(applied, (error: unknown) => {
        return isKind(error, "resourceExhausted") && messageOf(error).includes("no space left on the disk");
      });
    } finally {
      await mounter.unmount(call, directory);
    }
    assert.deepEqual(await mounter.list(scratch.path), []);
  });
}
