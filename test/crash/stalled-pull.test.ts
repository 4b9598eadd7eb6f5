import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { requireRoot } from "#test/support/require.ts";
import { CrashBed, field } from "./crash-bed.ts";
import { readSystemState } from "./system-state.ts";

const layerBytes = 8 << 20;

test("killed amid a layer: the next pull asks for the rest alone", async (t) => {
  if (!requireRoot(t)) return;
  await using registry = await TestRegistry.start();
  const image = await fixtureImage({ layers: [{ "data/random": randomBytes(layerBytes) }] });
  const reference = registry.add("big", "1", image);
  const layer = image.blobs[1];
  assert.ok(layer !== undefined);
  const blob = new RegExp(`blobs/${layer.digest}`);
  await using bed = await CrashBed.create({ first: reference, second: reference });
  await bed.start();
  registry.faults.push({ match: blob, act: { t: "slow", pieceBytes: 256 << 10, pauseMs: 40 } });
  const pulling = bed.pull(reference).catch(() => {});
  const hadBytes = await ingestReaches(bed, 1 << 20);
  await bed.kill();
  await pulling;

  const before = registry.requests.length;
  await bed.start();
  await bed.pull(reference);
  const asked = registry.ranges.filter((_range, index) => index >= before && blob.test(registry.requests[index] ?? ""));
  assert.equal(asked.length, 1);
  const from = Number(/^bytes=(\d+)-$/.exec(asked[0] ?? "")?.[1] ?? "0");
  assert.ok(from >= hadBytes && from < layer.bytes.length, `asked from ${from}, ${hadBytes} bytes were here`);
  const inspected = await bed.call("GET", `/images/${reference}/json`);
  assert.ok(Number(field(inspected, "Size")) >= layerBytes);
  assert.deepEqual((await readSystemState(bed)).ingests, []);
});

/** Waits until an ingest holds so many bytes; answers how many it holds. */
async function ingestReaches(bed: CrashBed, bytes: number): Promise<number> {
  const directory = join(bed.root, "content/ingest");
  for (let tries = 0; tries < 6_000; tries++) {
    for (const name of await readdir(directory, { recursive: true }).catch((): string[] => [])) {
      const { size } = await stat(join(directory, name)).catch(() => ({ size: 0 }));
      if (size >= bytes) return size;
    }
    await sleep(10);
  }
  throw new Error(`no ingest of ${bytes} bytes after a minute`);
}
