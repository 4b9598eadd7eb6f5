import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { encodeTarHeader, tarEnd, type TarEntry } from "#base/tar/tar-header.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { extractTree } from "./extract-tree.ts";
import { packTree } from "./pack-tree.ts";

const longName = `${"long/".repeat(40)}name`;

async function makeTree(root: string): Promise<void> {
  await mkdir(join(root, "sub"), { recursive: true });
  await mkdir(join(root, "long/".repeat(40)), { recursive: true });
  await writeFile(join(root, "sub/file"), "content", { mode: 0o640 });
  await writeFile(join(root, longName), "far");
  await writeFile(join(root, "exact"), "x".repeat(1024));
  await writeFile(join(root, "empty"), "");
  await symlink("file", join(root, "sub/link"));
}

async function assertTree(root: string, withLongName: boolean): Promise<void> {
  assert.equal(await readFile(join(root, "sub/file"), "utf8"), "content");
  assert.equal((await stat(join(root, "sub/file"))).mode & 0o777, 0o640);
  if (withLongName) assert.equal(await readFile(join(root, longName), "utf8"), "far");
  assert.equal((await readFile(join(root, "exact"))).length, 1024);
  assert.equal((await readFile(join(root, "empty"))).length, 0);
  assert.equal(await readlink(join(root, "sub/link")), "file");
}

test("what we pack, tar unpacks", async () => {
  await using work = await temporaryDirectory("cli-archive");
  await makeTree(join(work.path, "in"));
  const archive = join(work.path, "a.tar");
  await writeFile(archive, packTree({ path: join(work.path, "in"), name: "out", owners: false, followLink: false }));
  execFileSync("tar", ["-C", work.path, "-xf", archive]);
  await assertTree(join(work.path, "out"), true);
});

for (const format of ["ustar", "gnu", "pax"]) {
  test(`what tar packs as ${format}, we unpack under another name`, async () => {
    await using work = await temporaryDirectory("cli-archive");
    await makeTree(join(work.path, "in"));
    const exclude = format === "ustar" ? ["--exclude=in/long"] : [];
    const tar = execFileSync("tar", ["-C", work.path, `--format=${format}`, ...exclude, "-c", "in"], {
      maxBuffer: 1 << 24,
    });
    await mkdir(join(work.path, "target"));
    await extractTree(pieces(tar, 700), {
      directory: join(work.path, "target"),
      rename: { from: "in", to: "out" },
      owners: false,
    });
    await assertTree(join(work.path, "target/out"), format !== "ustar");
  });
}

const file = (name: string): TarEntry => entry({ name, type: "file" });

const hostile: readonly (readonly [string, TarEntry[]])[] = [
  ["..", [file("../escape")]],
  [".. in the middle", [file("a/../../escape")]],
  ["a directory that is a link", [entry({ name: "d", type: "symlink", linkName: ".." }), file("d/escape")]],
  ["an absolute link", [entry({ name: "d", type: "symlink", linkName: "/" }), file("d/escape")]],
  ["a hard link to outside", [entry({ name: "h", type: "hardlink", linkName: "../secret" })]],
  [
    "a hard link through a link",
    [
      entry({ name: "d", type: "symlink", linkName: ".." }),
      entry({ name: "h", type: "hardlink", linkName: "d/secret" }),
    ],
  ],
];

for (const [name, entries] of hostile) {
  test(`nothing leaves the target: ${name}`, async () => {
    await using work = await temporaryDirectory("cli-archive");
    await writeFile(join(work.path, "secret"), "s");
    const directory = join(work.path, "target");
    await mkdir(directory);
    await assert.rejects(extractTree(pieces(archiveOf(entries), 512), { directory, owners: false }), {
      name: "CliError",
    });
    assert.deepEqual(await readdir(work.path), ["secret", "target"]);
  });
}

test("a file replaces a link instead of being written through it", async () => {
  await using work = await temporaryDirectory("cli-archive");
  await writeFile(join(work.path, "secret"), "s");
  const directory = join(work.path, "target");
  await mkdir(directory);
  const entries = [entry({ name: "l", type: "symlink", linkName: "../secret" }), file("l")];
  await extractTree(pieces(archiveOf(entries), 512), { directory, owners: false });
  assert.equal(await readFile(join(work.path, "secret"), "utf8"), "s");
});

test("an absolute name stays below the target", async () => {
  await using work = await temporaryDirectory("cli-archive");
  await extractTree(pieces(archiveOf([file("/etc/x")]), 512), { directory: work.path, owners: false });
  assert.equal((await stat(join(work.path, "etc/x"))).size, 0);
});

test("a cut off archive is an error", async () => {
  await using work = await temporaryDirectory("cli-archive");
  const tar = archiveOf([{ ...file("f"), sizeBytes: 5000 }]).subarray(0, 1024);
  await assert.rejects(extractTree(pieces(tar, 512), { directory: work.path, owners: false }), { kind: "dataLoss" });
});

function entry(given: Partial<TarEntry> & Pick<TarEntry, "name" | "type">): TarEntry {
  return { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0, linkName: "", ...given };
}

function archiveOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(encodeTarHeader), tarEnd]);
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
