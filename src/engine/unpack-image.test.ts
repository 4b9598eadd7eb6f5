import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { promisify } from "node:util";
import { isKind } from "#base/errors.ts";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { digestOf, parseDiffId, parseDigest, type Digest } from "#core/content/digest.ts";
import type { SnapshotInfo, SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { archive, directory, hardlink, raw, symlink } from "#drivers/layer-tar/raw-tar.fixture.ts";
import { testCall } from "#test/support/call.ts";
import { debianImage } from "#test/support/debian-image.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import { openUnpackBed, type UnpackBed } from "./unpack-bed.fixture.ts";
import { unpackLayers } from "./unpack-layers.ts";
import { unpackImage } from "./unpack-image.ts";

const execute = promisify(execFile);
const call = testCall();

for (const snapshotter of ["overlayfs", "native"]) {
  test(`${snapshotter}: a Debian image is the tree that umoci makes`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, "umoci", "debootstrap")) return;
    const { layout, tag } = await debianImage();
    await using bed = await openUnpackBed();
    const bundle = join(bed.directory, "umoci");
    await execute("umoci", ["unpack", "--image", `${layout}:${tag}`, bundle]);
    const manifest = await importLayout(bed, layout);
    const { snapshotName } = await unpackImage(call, bed.engine, { manifest, snapshotter });
    assert.ok(snapshotName);
    const driver = bed.engine.snapshotters.get(snapshotter);
    assert.ok(driver);
    const key = "look" as SnapshotKey;
    const target = join(bed.directory, "mounted");
    await mkdir(target);
    await bed.engine.mounter.mount(call, await driver.view(call, key, snapshotName), target);
    try {
      const expected = await treeListing(join(bundle, "rootfs"));
      assert.ok(expected.length > 10_000);
      assert.deepEqual(await treeListing(target), expected);
    } finally {
      await bed.engine.mounter.unmount(call, target);
    }
  });
}

test("whiteouts and opaque directories hide what is below, on both drivers", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const image = await makeImage(bed, [
      archive(raw("gone", { body: "1" }), raw("d/below", { body: "1" }), raw("e/below", { body: "1" }), raw("e/stays")),
      archive(
        raw(".wh.gone"),
        directory("d", { mode: 0o700 }),
        raw("d/.wh..wh..opq"),
        raw("d/new"),
        raw("e/.wh.below"),
      ),
    ]);
    assert.deepEqual(await namesOf(bed, snapshotter, image), ["d", "d/new", "e", "e/stays"]);
  });
});

test("a directory that only lower layers have keeps owner, mode and time", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const image = await makeImage(bed, [
      archive(directory("d", { mode: 0o1750, uid: 12, gid: 34, mtime: 1_234_567_890 }), raw("d/a")),
      archive(raw("d/b")),
    ]);
    await withUnpacked(bed, snapshotter, image, async (root) => {
      const { mode, uid, gid, mtimeMs } = await stat(join(root, "d"));
      assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o1750, 12, 34, 1_234_567_890_000]);
    });
  });
});

test("a layer that needs those below gets them", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const image = await makeImage(bed, [
      archive(raw("usr/bin/tool", { body: "tool" }), symlink("bin", "usr/bin"), raw("old")),
      archive(hardlink("again", "usr/bin/tool"), raw(".wh.old")),
      archive(raw("bin/other", { body: "other" })),
    ]);
    await withUnpacked(bed, snapshotter, image, async (root) => {
      assert.equal(await readFile(join(root, "again"), "utf8"), "tool");
      assert.equal((await stat(join(root, "again"))).ino, (await stat(join(root, "usr/bin/tool"))).ino);
      assert.equal(await readlink(join(root, "bin")), "usr/bin");
      assert.equal(await readFile(join(root, "usr/bin/other"), "utf8"), "other");
      await assert.rejects(stat(join(root, "old")), { code: "ENOENT" });
    });
  });
});

test("a wrong DiffID is an error and leaves no active snapshot", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const image = await makeImage(bed, [archive(raw("a")), archive(raw("b"))], { wrongDiffIds: true });
    await assert.rejects(unpackImage(call, bed.engine, { manifest: image, snapshotter }), (error: unknown) =>
      isKind(error, "dataLoss"),
    );
    assert.deepEqual(await snapshotsOf(bed, snapshotter), []);
  });
});

test("a hostile upper layer leaves only whole layers", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const image = await makeImage(bed, [archive(raw("a")), archive(raw("../b")), archive(raw("c"))]);
    await assert.rejects(unpackImage(call, bed.engine, { manifest: image, snapshotter }), (error: unknown) =>
      isKind(error, "invalidArgument"),
    );
    const left = await snapshotsOf(bed, snapshotter);
    assert.ok(left.every((info) => info.kind === "committed" && info.parent === undefined));
    assert.ok(left.length <= 1);
  });
});

test("two unpacks of one image share the work", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const image = await makeImage(bed, [archive(raw("a")), archive(raw("b")), archive(raw("c"))]);
    const seen: string[] = [];
    const unpack = async () =>
      await unpackImage(call, bed.engine, { manifest: image, snapshotter, onProgress: ({ t }) => seen.push(t) });
    const [one, two] = await Promise.all([unpack(), unpack()]);
    assert.deepEqual(one, two);
    assert.equal(seen.filter((step) => step === "extracting").length, 3);
    assert.equal((await snapshotsOf(bed, snapshotter)).length, 3);
    await unpack();
    assert.equal(seen.filter((step) => step === "extracting").length, 3);
  });
});

test("aborting ends it with nothing active and nothing mounted", async (t) => {
  await onBoth(t, async (bed, snapshotter) => {
    const big = archive(...Array.from({ length: 40 }, (_, i) => raw(`f${i}`, { body: Buffer.alloc(1 << 20, i) })));
    const image = await makeImage(bed, [big, archive(raw("b"))]);
    const controller = new AbortController();
    const aborted = testCall({ signal: controller.signal });
    const onProgress = ({ t }: { t: string }) => {
      if (t === "extracting") controller.abort();
    };
    await assert.rejects(unpackImage(aborted, bed.engine, { manifest: image, snapshotter, onProgress }), {
      name: "AbortError",
    });
    assert.ok((await snapshotsOf(bed, snapshotter)).every((info) => info.kind === "committed"));
  });
});

test("a layer is unpacked as soon as its blob is there, the lowest last", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openUnpackBed();
  const layers = [archive(raw("a")), archive(raw("b"))];
  const image = await makeImage(bed, layers);
  const manifest = JSON.parse(Buffer.from(await read(bed, image.digest)).toString()) as { layers: Described[] };
  const lowest = Promise.withResolvers<void>();
  const done: number[] = [];
  const unpacked = await unpackLayers(call, bed.engine, {
    diffIds: layers.map((layer) => parseDiffId(digestOf(layer))),
    layers: manifest.layers.map((layer) => ({ ...layer, digest: parseDigest(layer.digest), sizeBytes: layer.size })),
    ready: async (index) => (index === 0 ? await lowest.promise : undefined),
    onProgress: ({ t, layer }) => {
      if (t === "extracting" && layer === manifest.layers[1]?.digest) lowest.resolve();
      if (t === "pullComplete") done.push(manifest.layers.findIndex(({ digest }) => digest === layer));
    },
  });
  assert.deepEqual(done, [0, 1]);
  assert.equal(unpacked.diffIds.length, 2);
});

type Described = { mediaType: string; digest: string; size: number };

async function onBoth(t: TestContext, run: (bed: UnpackBed, snapshotter: string) => Promise<void>): Promise<void> {
  if (!requireRoot(t)) return;
  for (const snapshotter of ["overlayfs", "native"]) {
    await t.test(snapshotter, async () => {
      await using bed = await openUnpackBed();
      await run(bed, snapshotter);
    });
  }
}

async function snapshotsOf({ engine }: UnpackBed, snapshotter: string): Promise<SnapshotInfo[]> {
  return (await engine.snapshotters.get(snapshotter)?.list(call)) ?? [];
}

/** Unpacks and shows the image as a container would see it. */
async function withUnpacked(
  bed: UnpackBed,
  snapshotter: string,
  manifest: Descriptor,
  use: (root: string) => Promise<void>,
): Promise<void> {
  const { snapshotName } = await unpackImage(call, bed.engine, { manifest, snapshotter });
  const driver = bed.engine.snapshotters.get(snapshotter);
  assert.ok(driver && snapshotName);
  const root = join(bed.directory, "mounted");
  await mkdir(root);
  await bed.engine.mounter.mount(call, await driver.view(call, "look" as SnapshotKey, snapshotName), root);
  try {
    await use(root);
  } finally {
    await bed.engine.mounter.unmount(call, root);
  }
}

async function namesOf(bed: UnpackBed, snapshotter: string, manifest: Descriptor): Promise<string[]> {
  let names: string[] = [];
  await withUnpacked(bed, snapshotter, manifest, async (root) => {
    names = (await readdir(root, { recursive: true })).sort();
  });
  return names;
}

/** An image of plain layers, lowest first. */
async function makeImage(bed: UnpackBed, layers: Buffer[], options = { wrongDiffIds: false }): Promise<Descriptor> {
  const described = await Promise.all(layers.map(async (layer) => await put(bed, layer, mediaTypes.ociLayer)));
  const diffIds = layers.map((layer) => digestOf(options.wrongDiffIds ? `not ${digestOf(layer)}` : layer));
  const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: diffIds } };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: await put(bed, Buffer.from(JSON.stringify(config)), mediaTypes.ociConfig),
    layers: described,
  };
  const { digest, size } = await put(bed, Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest);
  return { mediaType: mediaTypes.ociManifest, digest: parseDigest(digest), sizeBytes: size };
}

async function put({ engine }: UnpackBed, bytes: Buffer, mediaType: string): Promise<Described> {
  const digest = digestOf(bytes);
  await using writer = await engine.content.openWriter(call, digest, { digest });
  await writer.write(bytes);
  await writer.commit();
  return { mediaType, digest, size: bytes.length };
}

async function read({ engine }: UnpackBed, digest: Digest): Promise<Uint8Array> {
  await using blob = await engine.content.open(call, digest);
  return await blob.read(0, blob.sizeBytes);
}

/** Brings an OCI layout's blobs into the store; answers its manifest. */
async function importLayout({ engine }: UnpackBed, layout: string): Promise<Descriptor> {
  const read = async (digest: string) => await readFile(join(layout, "blobs/sha256", digest.slice(7)));
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as { manifests: [Described] };
  const [manifest] = index.manifests;
  const { config, layers } = JSON.parse((await read(manifest.digest)).toString()) as {
    config: Described;
    layers: Described[];
  };
  for (const { digest } of [manifest, config, ...layers]) {
    await using writer = await engine.content.openWriter(call, digest, { digest: parseDigest(digest) });
    await writer.write(await read(digest));
    await writer.commit();
  }
  return { mediaType: manifest.mediaType, digest: parseDigest(manifest.digest), sizeBytes: manifest.size };
}
