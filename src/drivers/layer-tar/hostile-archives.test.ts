import assert from "node:assert/strict";
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { kindOf } from "#base/errors.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import { testCall } from "#test/support/call.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import { LayerWorkers } from "./layer-workers.ts";
import { hostileArchives, maxEntries, maxUncompressedBytes, type Hostile } from "./hostile-archives.fixture.ts";
import { TarLayerApplier } from "./tar-layer-applier.ts";

for (const [group, cases] of Object.entries(hostileArchives)) {
  for (const form of ["overlay", "delete"] as const) {
    test(`hostile ${group}, whiteouts ${form}`, async (t) => {
      if (!requireRoot(t)) return;
      await using workers = new LayerWorkers();
      for (const hostile of cases) await t.test(hostile.title, async () => await attack(workers, hostile, form));
    });
  }
}

test("the suite has what it promises", () => assert.ok(Object.values(hostileArchives).flat().length >= 40));

/** Applies the archive beside a canary: what is outside must be the same to the byte, whatever comes of it. */
async function attack(workers: LayerWorkers, hostile: Hostile, whiteouts: "overlay" | "delete"): Promise<void> {
  await using scratch = await temporaryDirectory("hostile");
  const outside = join(scratch.path, "outside");
  const tree = join(scratch.path, "tree");
  await mkdir(join(outside, "dir"), { recursive: true });
  await mkdir(tree);
  await writeFile(join(outside, "secret"), "untouched");
  const before = await treeListing(outside);
  const path = join(scratch.path, "layer");
  const bytes = hostile.tar(outside);
  await writeFile(path, bytes);
  const blob = { path, sizeBytes: bytes.length } as BlobReader;
  const source = { blob, compression: hostile.compression ?? "none" };
  const limits = { maxUncompressedBytes, maxEntries };
  const applier = new TarLayerApplier(workers);
  const ended = await applier.apply(testCall(), source, { directory: tree, whiteouts, parents: [] }, limits).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.deepEqual(await treeListing(outside), before);
  assert.deepEqual((await readdir(scratch.path)).sort(), ["layer", "outside", "tree"]);
  assert.equal(ended === undefined ? undefined : kindOf(ended), hostile.error, String(ended));
  const expected = ended === undefined ? (hostile.tree?.(outside) ?? {}) : {};
  for (const [name, what] of Object.entries(expected)) assert.equal(await lookAt(join(tree, name)), what, name);
}

async function lookAt(path: string): Promise<string | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return `-> ${await readlink(path)}`;
  if (stat.isFile()) return await readFile(path, "utf8");
  return stat.isDirectory() ? "dir" : "node";
}
