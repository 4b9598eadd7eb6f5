import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { removeFile, removeTree } from "./remove-tree.ts";

test("a tree deeper than a path may be long goes as any other", async () => {
  await using directory = await temporaryDirectory("deep");
  const [tree, grown] = [join(directory.path, "tree"), join(directory.path, "grown")];
  await mkdir(join(tree, "leaf"), { recursive: true });
  // Every round puts what is there so far below another 1,000 bytes of path.
  const level = Array.from({ length: 100 }, () => "\u6df1\u6df1\u6df1");
  for (let round = 0; round < 12; round++) {
    await mkdir(join(grown, ...level), { recursive: true });
    await rename(tree, join(grown, ...level, "tree"));
    await rename(grown, tree);
  }
  await removeTree(tree);
  await removeTree(tree);
  assert.deepEqual(await readdir(directory.path), []);
});

test("names need not be UTF-8", async () => {
  await using directory = await temporaryDirectory("bytes");
  const tree = join(directory.path, "tree");
  const inside = Buffer.concat([Buffer.from(`${tree}/caf`), Buffer.of(0xe9)]);
  await mkdir(inside, { recursive: true });
  await writeFile(Buffer.concat([inside, Buffer.from("/\u00e9-"), Buffer.of(0xff)]), "");
  await writeFile(Buffer.concat([inside, Buffer.from("/plain")]), "");
  await mkdir(join(tree, "\ufffd"));
  await removeTree(tree);
  assert.deepEqual(await readdir(directory.path), []);
});

test("a tree goes with everything in it, a link without what it names; a missing one has gone", async () => {
  await using directory = await temporaryDirectory("remove-tree");
  const at = (...names: string[]) => join(directory.path, ...names);
  await mkdir(at("tree", "deep", "deeper"), { recursive: true });
  await writeFile(at("keep"), "kept");
  await writeFile(at("tree", "deep", "file"), "");
  await symlink(at("keep"), at("tree", "link"));
  await symlink(directory.path, at("tree", "deep", "up"));
  await removeTree(at("tree"));
  await removeTree(at("tree"));
  assert.deepEqual(await readdir(directory.path), ["keep"]);
  assert.equal(await readFile(at("keep"), "utf8"), "kept");
  await removeTree(at("keep"));
  await removeFile(at("keep"));
  assert.deepEqual(await readdir(directory.path), []);
});
