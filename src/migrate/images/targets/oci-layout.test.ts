import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { parseDigest } from "#core/content/digest.ts";
import { testCall } from "#test/support/call.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { ImagesJournal } from "../journal.ts";
import { OciLayoutTarget } from "./oci-layout.ts";

const { signal } = testCall();

/** An image without layers: of `text`, which is nobody else's. */
function imageOf(text: string, tags: readonly string[]) {
  const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] }, author: text };
  const configBytes = Buffer.from(JSON.stringify(config));
  const id = parseDigest(`sha256:${createHash("sha256").update(configBytes).digest("hex")}`);
  return { id, configBytes, tags, digests: [], layers: [] };
}

test("an image whose name another one took since is not there by its names: the next run brings it back", async () => {
  await using directory = await temporaryDirectory("layout");
  await using target = await OciLayoutTarget.open(join(directory.path, "layout"));
  const [a, b] = [imageOf("a", ["docker.io/library/app:1"]), imageOf("b", ["docker.io/library/app:1"])];
  const plan = { images: [a, b], layers: new Map() };
  const proof = await target.put(signal, a, plan, () => undefined);
  assert.equal(await target.has(signal, proof), true);
  await target.put(signal, b, plan, () => undefined);
  assert.equal(await target.has(signal, proof), false);
  assert.equal(await target.has(signal, await target.put(signal, a, plan, () => undefined)), true);
});

test("nothing is written before the first image: a dry run leaves nothing", async () => {
  await using directory = await temporaryDirectory("layout");
  const layout = join(directory.path, "below/layout");
  const journalPath = join(directory.path, "state/journal");
  const image = imageOf("a", ["docker.io/library/app:1"]);
  const plan = { images: [image], layers: new Map() };
  {
    await using target = await OciLayoutTarget.open(layout);
    await ImagesJournal.open(journalPath, { source: "a", target: target.name });
    assert.equal((await target.forecast(signal, plan))[0]?.inodes, 2);
  }
  assert.deepEqual(await readdir(directory.path), []);
  await using target = await OciLayoutTarget.open(layout);
  const journal = await ImagesJournal.open(journalPath, { source: "a", target: target.name });
  const proof = await target.put(signal, image, plan, () => undefined);
  await journal.add(proof);
  const again = await ImagesJournal.open(journalPath, { source: "a", target: target.name });
  assert.deepEqual(again.find(image.id), proof);
  await journal.add(proof);
  assert.equal((await readFile(journalPath, "utf8")).split("\n").length, 4);
});
