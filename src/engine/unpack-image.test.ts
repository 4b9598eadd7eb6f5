import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import type { Descriptor } from "#core/content/descriptor.ts";
import { parseDigest } from "#core/content/digest.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { testCall } from "#test/support/call.ts";
import { debianImage } from "#test/support/debian-image.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import { openUnpackBed, type UnpackBed } from "./unpack-bed.fixture.ts";
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

type Described = { mediaType: string; digest: string; size: number };
