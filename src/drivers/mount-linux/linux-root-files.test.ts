import assert from "node:assert/strict";
import { constants } from "node:fs";
import { mkdir, mkdtemp, open, readFile, readlink, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { isKind } from "#base/errors.ts";
import { silentLogger } from "#base/logger.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import { LinuxRootFiles } from "./linux-root-files.ts";
import { walkFrom } from "./open-in-root.ts";

const call: Call = { signal: new AbortController().signal, log: silentLogger, namespace: parseNamespace("default") };
const files = new LinuxRootFiles();
const skip = process.getuid?.() === 0 ? false : "needs root";
const owner = { uid: 7, gid: 8 };

/** Links of a hostile tree and what each leads to inside the root. */
const links: [path: string, inside: string][] = [
  ["/abs/passwd", "/etc/passwd"],
  ["/up/passwd", "/etc/passwd"],
  ["/chain", "/etc/passwd"],
  ["/etc/../../../../etc/passwd", "/etc/passwd"],
];

test("links never lead outside", { skip }, async (t) => {
  const root = await tree(t);
  for (const [path, inside] of links) {
    assert.equal(Buffer.from((await files.find(call, root, path)) ?? []).toString(), "inside");
    assert.equal(await files.resolve(call, root, path), join(root, inside));
    const rootFd = await open(root, constants.O_DIRECTORY);
    const fd = await walkFrom(rootFd.fd, path, constants.O_RDONLY);
    assert.equal(await readlink(`/proc/self/fd/${fd}`), join(root, inside), `by hand: ${path}`);
    await rootFd.close();
    const { closeSync } = await import("node:fs");
    closeSync(fd);
  }
  await assert.rejects(files.find(call, root, "/loop"), (error: unknown) => isKind(error, "invalidArgument"));
});

test("kinds and bounds", { skip }, async (t) => {
  const root = await tree(t);
  assert.equal(await files.kind(call, root, "/abs"), "directory");
  assert.equal(await files.kind(call, root, "/chain"), "file");
  assert.equal(await files.kind(call, root, "/dangling"), "missing");
  assert.equal(await files.find(call, root, "/etc"), undefined);
  assert.equal(await files.find(call, root, "/etc/passwd/x"), undefined);
  await assert.rejects(files.find(call, root, "/etc/passwd", 3), (error: unknown) => isKind(error, "outOfRange"));
});

test("makes directories and files through links, inside", { skip }, async (t) => {
  const root = await tree(t);
  await assert.rejects(files.resolve(call, root, "/dangling"), (error: unknown) => isKind(error, "notFound"));
  assert.equal(await files.resolve(call, root, "/abs/missing"), join(root, "etc/missing"));
  assert.equal(await files.makeDirectory(call, root, "/up/a/b", 0o1777, owner), join(root, "etc/a/b"));
  const made = await stat(join(root, "etc/a/b"));
  assert.deepEqual([made.uid, made.gid, made.mode & 0o7777], [7, 8, 0o1777]);
  assert.equal(await files.makeFile(call, root, "/dangling"), join(root, "new/here"));
  assert.equal(await readFile(join(root, "new/here"), "utf8"), "");
  assert.equal(await files.makeFile(call, root, "/chain"), join(root, "etc/passwd"));
  assert.equal(await readFile(join(root, "etc/passwd"), "utf8"), "inside");
  assert.equal(await files.makeDirectory(call, root, "/", 0o700, owner), root);
  await assert.rejects(files.makeDirectory(call, root, "/etc/passwd/x", 0o755, owner));
});

async function tree(t: TestContext): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "ferry-root-files-")));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, "etc"));
  await writeFile(join(root, "etc/passwd"), "inside");
  await symlink("/etc", join(root, "abs"));
  await symlink("../../../../etc", join(root, "up"));
  await symlink("/abs/../up/passwd", join(root, "chain"));
  await symlink("/new/here", join(root, "dangling"));
  await symlink("loop", join(root, "loop"));
  return root;
}
