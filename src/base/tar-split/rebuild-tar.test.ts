import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { Crc64 } from "./crc64.ts";
import { findDamagedFiles, rebuildTar } from "./rebuild-tar.ts";
import { RootedFiles } from "./rooted-files.ts";
import { sampleTar } from "./sample-tar.ts";
import { splitTar } from "./tar-split.fixture.ts";

const execute = promisify(execFile);

async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function layer(directory: string) {
  const tree = join(directory, "tree");
  await mkdir(join(tree, "usr/lib"), { recursive: true });
  await writeFile(join(tree, "usr/lib/big"), Buffer.alloc(2_500_000, "abcdefg"));
  await writeFile(join(tree, "usr/lib/ünï"), "small");
  await writeFile(join(tree, "usr/empty"), "");
  await symlink("usr/lib", join(tree, "lib"));
  await execute("tar", ["--format=pax", "-C", tree, "-cf", join(directory, "layer.tar"), "."]);
  const tar = await readFile(join(directory, "layer.tar"));
  const recipe = join(directory, "tar-split.json.gz");
  await writeFile(recipe, splitTar(tar));
  return { tree, tar, recipe };
}

test("CRC64 is Go's", () => {
  // Source: Go, hash/crc64/crc64_test.go, the ISO column.
  const cases = { "": "0000000000000000", a: "3420000000000000", abc: "3776c42000000000" };
  for (const [text, expected] of Object.entries(cases)) {
    const crc = new Crc64();
    crc.update(Buffer.from(text));
    assert.equal(crc.digest().toString("hex"), expected, text);
  }
});

test("a layer's archive comes back bit for bit", async () => {
  await using directory = await temporaryDirectory("tar-split");
  const { tree, tar, recipe } = await layer(directory.path);
  assert.ok((await gather(rebuildTar(recipe, new RootedFiles(tree)))).equals(tar));
});

test("windows of the archive are what is there in the whole of it", async () => {
  await using directory = await temporaryDirectory("tar-split");
  const { tree, tar, recipe } = await layer(directory.path);
  for (const sample of [
    { windowBytes: 1000, every: 1, first: 0 },
    { windowBytes: 700, every: 3, first: 1 },
    { windowBytes: 100_000, every: 4, first: 3 },
    { windowBytes: 4_000_000, every: 2, first: 0 },
    { windowBytes: 4_000_000, every: 2, first: 1 },
  ]) {
    const { windowBytes, every, first } = sample;
    const expected: Buffer[] = [];
    for (let at = first * windowBytes; at < tar.length; at += every * windowBytes) {
      expected.push(tar.subarray(at, at + windowBytes));
    }
    const windows = await Array.fromAsync(sampleTar(recipe, new RootedFiles(tree), sample));
    assert.ok(windows.length === expected.length && windows.every((one, at) => one.equals(expected[at] ?? one)));
  }
});

test("a file that is gone, changed or no file is told", async () => {
  await using directory = await temporaryDirectory("tar-split");
  const { tree, recipe } = await layer(directory.path);
  const files = () => new RootedFiles(tree);
  assert.deepEqual(await findDamagedFiles(recipe, files(), 9), []);
  const big = join(tree, "usr/lib/big");
  await writeFile(big, Buffer.alloc(2_500_000, "abcdefx"));
  assert.deepEqual(await findDamagedFiles(recipe, files(), 9), ["./usr/lib/big"]);
  await writeFile(big, "short");
  await assert.rejects(gather(rebuildTar(recipe, files())), { kind: "dataLoss", message: /5 bytes, its layer says/ });
  await rm(big);
  await assert.rejects(gather(rebuildTar(recipe, files())), { kind: "dataLoss", message: /usr\/lib\/big.*missing/ });
  await symlink("/etc/passwd", big);
  await assert.rejects(gather(rebuildTar(recipe, files())), { kind: "dataLoss", message: /no regular file/ });
});

test("names never lead out of the tree", async () => {
  await using directory = await temporaryDirectory("rooted");
  const tree = join(directory.path, "tree");
  await mkdir(join(tree, "inside/deep"), { recursive: true });
  await writeFile(join(tree, "inside/file"), "1");
  await symlink("/inside", join(tree, "absolute"));
  await symlink("../../../inside", join(tree, "inside/deep/up"));
  await symlink("loop", join(tree, "loop"));
  const files = new RootedFiles(tree);
  for (const name of ["inside/file", "/inside/./file", "absolute/file", "inside/deep/up/file", "x/../inside/file"]) {
    assert.equal(files.resolve(name), "inside/file", name);
  }
  for (const name of ["../tree/inside/file", "inside/../../x", "a\0b"]) {
    assert.throws(() => files.resolve(name), { kind: "invalidArgument" }, name);
  }
  assert.throws(() => files.resolve("loop/file"), { kind: "dataLoss", message: /too many links/ });
});

test("a damaged tar-split file is data loss", async () => {
  await using directory = await temporaryDirectory("tar-split");
  const { tree, recipe } = await layer(directory.path);
  const whole = await readFile(recipe);
  const cases: [string, Buffer][] = [
    ["truncated", whole.subarray(0, whole.length / 2)],
    ["not gzip", gunzipSync(whole)],
    ["not JSON", gzipSync("{]\n")],
    ["of another type", gzipSync('{"type":3,"payload":"","position":0}\n')],
    ["a bad size", gzipSync('{"type":1,"name":"x","size":-1,"position":0}\n')],
  ];
  for (const [name, bytes] of cases) {
    await writeFile(recipe, bytes);
    await assert.rejects(gather(rebuildTar(recipe, new RootedFiles(tree))), { kind: "dataLoss" }, name);
  }
  await rm(recipe);
  await assert.rejects(gather(rebuildTar(recipe, new RootedFiles(tree))), { kind: "notFound" });
});
