import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { link, lstat, mkdir, readFile, readdir, symlink as makeLink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import test from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { isKind, type ErrorKind } from "#base/errors.ts";
import { testCall } from "#test/support/call.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import { LayerWorkers } from "./layer-workers.ts";
import { archive, directory, raw, symlink } from "./raw-tar.fixture.ts";
import { TarTreeArchiver } from "./tar-tree-archiver.ts";

const execute = promisify(execFile);
const call = testCall();

type Bed = { readonly archiver: TarTreeArchiver; readonly root: string; readonly outside: string };

function check(title: string, run: (bed: Bed) => Promise<void>): void {
  test(title, async (t) => {
    if (!requireRoot(t)) return;
    await using scratch = await temporaryDirectory("archiver");
    await using workers = new LayerWorkers(2);
    const [root, outside] = [join(scratch.path, "root"), join(scratch.path, "outside")];
    await mkdir(join(root, "etc/sub"), { recursive: true });
    await mkdir(outside);
    await writeFile(join(outside, "secret"), "untouched");
    await writeFile(join(root, "etc/file"), "content", { mode: 0o640 });
    await link(join(root, "etc/file"), join(root, "etc/again"));
    await makeLink("/etc", join(root, "abs"));
    await makeLink("file", join(root, "etc/rel"));
    await makeLink(outside, join(root, "out"));
    const before = await treeListing(outside);
    await run({ archiver: new TarTreeArchiver(workers), root, outside });
    assert.deepEqual(await treeListing(outside), before);
  });
}

check(
  "stat: the last link is told, not followed, unless a slash ends the name",
  async ({ archiver, root, outside }) => {
    const told = async (path: string) => {
      const { name, mode, linkTarget, sizeBytes } = await archiver.stat(call, root, path);
      return [name, (mode & 0o170000).toString(8), linkTarget, mode & 0o040000 ? 0 : sizeBytes];
    };
    assert.deepEqual(await told("/etc/file"), ["file", "100000", "", 7]);
    assert.deepEqual(await told("abs/file"), ["file", "100000", "", 7]);
    assert.deepEqual(await told("/abs"), ["abs", "120000", "/etc", 4]);
    assert.deepEqual(await told("/abs/"), ["abs", "40000", "", 0]);
    assert.deepEqual(await told("/etc/rel"), ["rel", "120000", "/etc/file", 4]);
    assert.deepEqual(await told("/"), ["/", "40000", "", 0]);
    assert.deepEqual(await told("../../../etc/file"), ["file", "100000", "", 7]);
    assert.equal((await told("/out"))[2], outside);
    for (const path of ["/missing", "/out/secret", "/etc/file/x", `${outside}/secret`]) {
      await rejects(archiver.stat(call, root, path), "notFound");
    }
  },
);

check("read: GNU tar makes the same tree of it", async ({ archiver, root }) => {
  const names = ["x".repeat(180), `${"d".repeat(90)}/${"e".repeat(90)}/f`, "ünï", "big"];
  for (const name of names) {
    await mkdir(join(root, "etc", name, ".."), { recursive: true });
    await writeFile(join(root, "etc", name), Buffer.alloc(name === "big" ? 3_000_001 : 5, name));
  }
  await execute("setfattr", ["-n", "user.note", "-v", "kept", join(root, "etc/big")]);
  await execute("mkfifo", [join(root, "etc/pipe")]);
  await execute("mknod", [join(root, "etc/null"), "c", "1", "3"]);
  await execute("chown", ["-R", "12:34", join(root, "etc")]);
  await execute("sh", ["-c", `find ${join(root, "etc")} -exec touch -h -d @1700000000 {} +`]);
  const { stat, archive: tar } = await archiver.read(call, root, "/abs/");
  assert.equal(stat.name, "abs");
  const target = await untar(root, tar);
  assert.deepEqual(await treeListing(join(target, "abs")), await treeListing(join(root, "etc")));
});

check("read: a file, a link, what is missing, and a reader that leaves early", async ({ archiver, root }) => {
  const list = async (path: string) => (await archiver.read(call, root, path)).archive;
  assert.deepEqual(await readdir(await untar(root, await list("/etc/rel"))), ["rel"]);
  assert.deepEqual(await readdir(await untar(root, await list("/etc/file"))), ["file"]);
  await rejects(archiver.read(call, root, "/out/secret"), "notFound");
  await writeFile(join(root, "etc/big"), Buffer.alloc(32 << 20));
  for (let i = 0; i < 5; i++)
    (await list("/etc")).once("data", function (this: Readable) {
      this.destroy();
    });
  assert.equal((await archiver.stat(call, root, "/etc/file")).sizeBytes, 7);
});

check("write: into a directory through its link, plain and gzip'd", async ({ archiver, root }) => {
  const keep = { keepTypes: false, keepOwners: true };
  const tar = archive(
    directory("new", { uid: 5 }),
    raw("new/f", { body: "x", uid: 7, gid: 8, mode: 0o4755 }),
    raw(".wh.kept"),
  );
  await archiver.write(call, root, "/abs", chunks(tar, 700), keep);
  const stat = await lstat(join(root, "etc/new/f"));
  assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o7777], [7, 8, 0o4755]);
  assert.deepEqual((await readdir(join(root, "etc"))).includes(".wh.kept"), true);
  await archiver.write(call, root, "/etc/sub", chunks(gzipSync(tar), 100), { ...keep, keepOwners: false });
  assert.equal((await lstat(join(root, "etc/sub/new/f"))).uid, 0);
});

check("write: refusals change nothing outside", async ({ archiver, root, outside }) => {
  const write = async (path: string, tar: Buffer, keepTypes = false) =>
    await archiver.write(call, root, path, chunks(tar, 512), { keepTypes, keepOwners: true });
  await rejects(write("/missing", archive(raw("f"))), "notFound");
  await rejects(write("/out", archive(raw("f"))), "notFound");
  await rejects(write("/etc/file", archive(raw("f"))), "invalidArgument");
  await rejects(write("/etc", archive(raw("sub", { body: "x" })), true), "invalidArgument");
  await rejects(write("/etc", archive(directory("file")), true), "invalidArgument");
  await rejects(write("/etc", archive(raw("../../outside/new"))), "invalidArgument");
  await rejects(write("/etc", archive(symlink("l", outside), raw("l/new"))), "failedPrecondition");
  await rejects(write("/etc", raw("f", { size: 1 << 20 })), "dataLoss");
  await assert.rejects(archiver.write(call, root, "/etc", failing(), { keepTypes: false, keepOwners: true }), /gone/);
  assert.deepEqual((await readdir(join(root, "etc"))).sort(), ["again", "f", "file", "l", "rel", "sub"]);
});

check("copy: everything comes along", async ({ archiver, root }) => {
  await execute("setfattr", ["-n", "user.note", "-v", "kept", join(root, "etc/file")]);
  await execute("truncate", ["-s", "20M", join(root, "etc/holes")]);
  await execute("mknod", [join(root, "etc/null"), "c", "1", "3"]);
  await execute("chown", ["-h", "12:34", join(root, "etc/rel"), join(root, "etc/sub")]);
  await execute("chmod", ["1777", join(root, "etc/sub")]);
  const target = join(root, "../copy");
  await mkdir(target);
  await archiver.copy(call, root, "/abs", target);
  assert.deepEqual(await treeListing(target), await treeListing(join(root, "etc")));
  assert.ok((await lstat(join(target, "holes"))).blocks < 100);
  assert.equal(await readFile(join(target, "again"), "utf8"), "content");
  await rejects(archiver.copy(call, root, "/out", target), "notFound");
});

async function untar(root: string, tar: Readable): Promise<string> {
  const target = join(root, `../untar-${process.hrtime.bigint()}`);
  await mkdir(target);
  const options = ["-x", "--xattrs", "--xattrs-include=user.*", "--numeric-owner", "-p", "-C", target];
  const child = spawn("tar", options, { stdio: ["pipe", "inherit", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await pipeline(tar, child.stdin);
  assert.equal(await ended, 0);
  return target;
}

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield raw("f", { size: 10_000 });
  throw new Error("client has gone");
}

async function rejects(promise: Promise<unknown>, kind: ErrorKind): Promise<void> {
  await assert.rejects(promise, (error: unknown) => isKind(error, kind) || assert.fail(String(error)));
}
