import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { descriptorOf, fixtureImage, layerTar, type FixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { CrashBed, field } from "./crash-bed.ts";
import { demandNothingLeft, readSystemState } from "./system-state.ts";

const execute = promisify(execFile);
const noSpace = /no space left on (its|the) (disk|device)|no space left on device/i;

test("a full disk is said, nothing is corrupt, and it works again with space", async (t) => {
  if (!requireRoot(t)) return;
  await using images = await openTestImages();
  await using registry = await TestRegistry.start();
  const big = await fixtureImage({ layers: [{ "data/random": randomBytes(48 << 20) }] });
  const reference = registry.add("big", "1", big);
  await using bed = await CrashBed.create({ first: images.small, second: images.layered });
  await using undo = new AsyncDisposableStack();
  await mkdir(bed.root);
  await execute("mount", ["-t", "tmpfs", "-o", "size=32m", "ferry-crash", bed.root]);
  undo.defer(async () => {
    await bed.stop();
    await execute("umount", ["-l", bed.root]);
  });
  await bed.start();
  await bed.pull(bed.image);

  await t.test("a pull that does not fit", async () => {
    await assert.rejects(bed.pull(reference), noSpace);
    await works(bed);
  });
  await t.test("a load that does not fit", async () => {
    assert.match(await bed.load(await archiveOf(big)), noSpace);
    await works(bed);
  });
  await t.test("a container that fills it ends with its own code, and its record is right", async () => {
    const fill = "sleep 0.5; cat /dev/zero > /fill; echo code $?; exit 9";
    await bed.call("POST", "/containers/create?name=glutton", { Image: bed.image, Cmd: ["sh", "-c", fill] });
    await bed.call("POST", "/containers/glutton/start");
    for (let tries = 0; field(await inspect(bed), "State", "Status") === "running"; tries++) {
      assert.ok(tries < 600, "glutton runs on after a minute");
      await sleep(100);
    }
    assert.equal(field(await inspect(bed), "State", "ExitCode"), 9);
    await assert.rejects(bed.pull(bed.secondImage), noSpace);
    // A daemon that starts on a full disk comes up.
    await bed.kill();
    await bed.start();
    assert.equal(field(await inspect(bed), "State", "ExitCode"), 9);
  });
  await t.test("with space again it works", async () => {
    await bed.call("DELETE", "/containers/glutton?force=1");
    await works(bed);
    await bed.pull(bed.secondImage);
    await bed.kill();
    await bed.start();
    await works(bed);
    // An ingest without bytes waits for the next pull.
    demandNothingLeft({ ...(await readSystemState(bed)), ingests: [] });
  });
});

async function inspect(bed: CrashBed): Promise<unknown> {
  return await bed.call("GET", "/containers/glutton/json");
}

/** A container runs from what is there. */
async function works(bed: CrashBed): Promise<void> {
  await bed.call("POST", "/containers/create?name=proof", { Image: bed.image, Cmd: ["sleep", "100"] });
  await bed.call("POST", "/containers/proof/start");
  assert.equal(await bed.execute("proof", ["sh", "-c", "echo x > /y && cat /y"]), 0);
  await bed.call("DELETE", "/containers/proof?force=1");
}

/** An OCI layout in a tar. */
async function archiveOf({ manifest, blobs }: FixtureImage): Promise<Buffer> {
  const annotations = { "org.opencontainers.image.ref.name": "loaded:1" };
  const index = { schemaVersion: 2, manifests: [{ ...descriptorOf(manifest), annotations }] };
  const parts = [manifest, ...blobs].map((blob) => [`blobs/sha256/${blob.digest.slice(7)}`, blob.bytes] as const);
  return await layerTar({
    "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
    "index.json": JSON.stringify(index),
    ...Object.fromEntries(parts),
  });
}
