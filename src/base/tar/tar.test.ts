import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { requireBinary } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { readTar } from "./read-tar.ts";
import { decodePaxRecords, encodeTarHeader, type TarEntry } from "./tar-header.ts";
import { tarDirectory, tarFile, tarSymlink, writeTar, type TarItem } from "./write-tar.ts";

const execute = promisify(execFile);
const longName = `${"deep/".repeat(60)}ünïcödé.txt`;

async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function read(bytes: Buffer, pieceLength: number): Promise<[TarEntry, string][]> {
  const found: [TarEntry, string][] = [];
  for await (const { entry, body } of readTar(pieces(bytes, pieceLength))) {
    found.push([entry, (await gather(body)).toString()]);
  }
  return found;
}

const items: TarItem[] = [
  { entry: tarDirectory("d") },
  { entry: tarFile("d/a", 5, { mode: 0o4755, mtimeSeconds: 1_700_000_000 }), body: Buffer.from("hello") },
  { entry: tarFile(longName, 3), body: Buffer.from("abc") },
  { entry: tarSymlink("link", `../${longName}`) },
  { entry: { ...tarFile("ids", 0), uid: 3_000_000, gid: 4_000_000 } },
  { entry: tarFile("empty", 0) },
];

test("what is written is read again, however the stream is cut", async () => {
  const bytes = await gather(writeTar(items));
  const expected = items.map(({ entry, body }) => [
    entry.type === "directory" ? { ...entry, name: `${entry.name}/` } : entry,
    body instanceof Uint8Array ? Buffer.from(body).toString() : "",
  ]);
  for (const length of [1, 511, 513, 1 << 20]) {
    assert.deepEqual(await read(bytes, length), expected);
  }
});

test("GNU tar reads what we write, and we what it writes", async (t) => {
  if (!requireBinary(t, "tar")) return;
  await using directory = await temporaryDirectory("tar");
  const path = join(directory.path, "ours.tar");
  await writeFile(path, await gather(writeTar(items)));
  const { stdout } = await execute("tar", ["--numeric-owner", "--quoting-style=literal", "-tvf", path], {
    env: { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] },
  });
  assert.match(stdout, /-rwsr-xr-x 0\/0 +5 2023-11-14 \S+ d\/a/);
  assert.ok(stdout.includes(longName));
  assert.match(stdout, /3000000\/4000000 .* ids/);
  const tree = join(directory.path, "tree");
  await mkdir(join(tree, "deep/".repeat(30)), { recursive: true });
  await writeFile(join(tree, "deep/".repeat(30), "f"), "content");
  await symlink("x".repeat(150), join(tree, "s"));
  for (const format of ["gnu", "pax", "ustar"]) {
    const theirs = join(directory.path, `${format}.tar`);
    if (format === "ustar") await execute("rm", ["-f", join(tree, "s")]);
    await execute("tar", ["-C", tree, `--format=${format}`, "-cf", theirs, "."]);
    const found = new Map(
      (await read(await readFile(theirs), 700)).map(([entry, body]) => [entry.name, { entry, body }]),
    );
    assert.equal(found.get(`./${"deep/".repeat(30)}f`)?.body, "content", format);
    if (format !== "ustar") assert.equal(found.get("./s")?.entry.linkName, "x".repeat(150), format);
  }
});

test("a body that is left unread is skipped", async () => {
  const bytes = await gather(writeTar([{ entry: tarFile("big", 5000), body: Buffer.alloc(5000) }, ...items]));
  const names: string[] = [];
  for await (const { entry, body } of readTar(pieces(bytes, 100))) {
    names.push(entry.name);
    if (entry.name === "big") for await (const _first of body) break;
  }
  assert.equal(names.length, items.length + 1);
});

test("broken archives are refused", async () => {
  const good = await gather(writeTar(items));
  const flipped = Buffer.from(good);
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  const negative = encodeTarHeader(tarFile("x", 0));
  negative.write("-0000000001\0", 124, "latin1");
  const table: [bytes: Buffer, why: RegExp][] = [
    [good.subarray(0, 700), /^archive: truncated$/],
    [good.subarray(0, good.length - 1024), /^archive: truncated$/],
    [flipped, /^archive: bad header checksum$/],
    [negative, /^archive: bad (header checksum|number in a header)$/],
  ];
  for (const [bytes, message] of table) await assert.rejects(read(bytes, 512), { kind: "dataLoss", message });
  for (const records of ["4 a=\n", "x a=b\n", "99 a=b\n", "0 a=b\n", "6 a=b"]) {
    assert.throws(() => decodePaxRecords(Buffer.from(records)), { kind: "dataLoss" }, records);
  }
});

test("an entry that is longer or shorter than it says is a mistake of the writer", async () => {
  await assert.rejects(gather(writeTar([{ entry: tarFile("x", 3), body: Buffer.from("ab") }])), /2 of 3 bytes/);
});
