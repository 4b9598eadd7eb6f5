import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "#test/support/eventually.ts";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import { silentLogger } from "#base/logger.ts";
import { mediaTypes } from "#core/content/descriptor.ts";
import type { ImageName } from "#core/images/image-store.ts";
import type { Labels } from "#core/labels.ts";
import type { Snapshotter, SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { FsContentStore } from "#drivers/content-fs/fs-content-store.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { OverlayTrees } from "#drivers/snapshot-trees/overlay-trees.ts";
import { TreeSnapshotter } from "#drivers/snapshot-trees/tree-snapshotter.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { GarbageCollector } from "./garbage-collector.ts";

const call = testCall();
const nginx = "docker.io/library/nginx:latest" as ImageName;

async function openBed() {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory("garbage"));
  const metadata = stack.use(SqliteMetadata.open(join(path, "meta.db")));
  const content = await FsContentStore.open(join(path, "content"), metadata.content);
  const overlay: Snapshotter = new TreeSnapshotter(
    new OverlayTrees(),
    join(path, "overlay"),
    metadata.snapshots("overlayfs"),
  );
  await overlay.recover(call);
  const snapshotters = new Map([["overlayfs", overlay]]);
  const engine = { graph: metadata.graph, content, snapshotters, locks: new KeyedLock() };
  const put = async (data: Uint8Array, labels: Labels = {}) => {
    await using writer = await content.openWriter(call, randomBytes(8).toString("hex"));
    await writer.write(data);
    return (await writer.commit({ labels })).digest;
  };
  const blobs = async () => (await readdir(join(path, "content/blobs/sha256"))).length;
  const owned = stack.move();
  return { engine, metadata, overlay, put, blobs, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

test("what nothing leads to goes, records and bytes; the rest stays", async () => {
  await using bed = await openBed();
  const { engine, metadata, overlay, put } = bed;
  const layer = await put(randomBytes(1000));
  const manifest = await put(randomBytes(10), { "containerd.io/gc.ref.content.l.0": layer });
  await metadata.images.put(call, nginx, { mediaType: mediaTypes.ociManifest, digest: manifest, sizeBytes: 10 });
  const stray = await put(randomBytes(500));
  await overlay.prepare(call, "stray" as SnapshotKey);
  {
    await using writer = await engine.content.openWriter(call, "idle");
    await writer.write(randomBytes(70));
  }
  const first = await collectGarbage(call, engine, { ingestIdleMs: 0 });
  assert.deepEqual(first, {
    removed: [
      { namespace: "default", t: "content", key: stray },
      { namespace: "default", t: "snapshot", key: "overlayfs/stray" },
    ],
    removedBlobs: 1,
    removedSnapshots: 1,
    removedBytes: 570,
  });
  assert.equal(await bed.blobs(), 2);
  await metadata.images.delete(call, nginx);
  assert.equal((await collectGarbage(call, engine)).removedBytes, 1010);
  assert.equal(await bed.blobs(), 0);
});

test("a snapshotter that fails does not keep content from its collection", async () => {
  await using bed = await openBed();
  await bed.put(randomBytes(10));
  const failing = new TreeSnapshotter(new OverlayTrees(), "/nowhere", bed.metadata.snapshots("broken"));
  failing.purge = async () => {
    throw new EngineError("resourceExhausted", "snapshots: disk");
  };
  const snapshotters = new Map<string, Snapshotter>([...bed.engine.snapshotters, ["broken", failing]]);
  await fails("resourceExhausted", collectGarbage(call, { ...bed.engine, snapshotters }), "snapshots: disk");
  assert.equal(await bed.blobs(), 0);
});

test("the collector: many requests, one collection; a request meanwhile, another; abort ends it", async () => {
  await using bed = await openBed();
  const collections: string[] = [];
  const log = { ...silentLogger, info: (_: object, message: string) => void collections.push(message) };
  const collector = new GarbageCollector(testCall({ log }), bed.engine, { delayMs: 30 });
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  await bed.put(randomBytes(10));
  await sleep(80);
  assert.deepEqual(collections, [], "nobody asked");
  for (let times = 0; times < 10; times++) collector.schedule();
  await eventually("one collection", () => collections.length > 0);
  await sleep(80);
  assert.deepEqual(collections, ["garbage: 1 records and 10 bytes removed"]);
  await bed.put(randomBytes(20));
  collector.schedule();
  await eventually("another", () => collections.length > 1);
  stop.abort();
  await running;
  assert.deepEqual(collections[1], "garbage: 1 records and 20 bytes removed");
});

test("the collector works at an interval too", async () => {
  await using bed = await openBed();
  await bed.put(randomBytes(10));
  const stop = new AbortController();
  const running = new GarbageCollector(call, bed.engine, { intervalMs: 20 }).run(stop.signal);
  await eventually("nothing is left", async () => (await bed.blobs()) === 0);
  stop.abort();
  await running;
});
