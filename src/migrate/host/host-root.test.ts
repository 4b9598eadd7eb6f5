import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { hostRootOf } from "#test/support/host-root.ts";
import { HostRoot } from "./host-root.ts";

const host = `
== /etc/hostname
worker-1
== /run/docker.sock
== /var/run -> /run
== /etc/escape -> ../../../../../etc/passwd
== /etc/absolute -> /etc/hostname
== /etc/loop -> /etc/loop
== /etc/dangling -> /nowhere
`;

test("a file is read, an absent one is undefined", async () => {
  await using made = await hostRootOf(host);
  assert.equal(await made.root.findText("/etc/hostname"), "worker-1\n");
  assert.equal(await made.root.findText("/etc/nothing"), undefined);
  assert.equal(await made.root.findText("/etc/hostname/below"), undefined);
  assert.equal(await made.root.findText("/etc"), undefined);
});

test("links are followed as the host would, and never out of the root", async () => {
  await using made = await hostRootOf(host);
  assert.equal(await made.root.findText("/etc/absolute"), "worker-1\n");
  assert.equal(await made.root.findText("/etc/escape"), undefined, "the copy has no /etc/passwd; this machine has");
  assert.equal(await made.root.findText("/etc/loop"), undefined);
  assert.equal(await made.root.findText("/../../../etc/passwd"), undefined);
  assert.equal(await made.root.findRealPath("/var/run/docker.sock"), "/run/docker.sock");
  assert.equal(await made.root.findLink("/etc/dangling"), "/nowhere");
  assert.equal((await made.root.find("/etc/dangling", { follow: false }))?.kind, "link");
  assert.equal(await made.root.find("/etc/dangling"), undefined);
});

test("a link to a directory outside does not let a walk through it", async () => {
  await using made = await hostRootOf(host);
  await symlink(import.meta.dirname, join(made.root.directory, "etc/outside"));
  assert.equal(await made.root.findText("/etc/outside/host-root.ts"), undefined);
  assert.deepEqual(await made.root.list("/etc/outside"), []);
});

test("what is too long or no file is not read", async () => {
  await using made = await hostRootOf(host);
  await writeFile(join(made.root.directory, "etc/long"), Buffer.alloc(100));
  await fails("outOfRange", made.root.findText("/etc/long", 99));
  assert.equal((await made.root.findText("/etc/long", 100))?.length, 100);
  execFileSync("mkfifo", [join(made.root.directory, "etc/pipe")]);
  assert.equal(await made.root.findText("/etc/pipe"), undefined);
});

test("names are sorted by their bytes", async () => {
  await using made = await hostRootOf(host);
  await mkdir(join(made.root.directory, "d"));
  for (const name of ["b", "10", "9", "B"]) await writeFile(join(made.root.directory, "d", name), "");
  assert.deepEqual(await made.root.list("/d"), ["10", "9", "B", "b"]);
});

test("a root that is no directory is said", async () => {
  await fails("notFound", HostRoot.open("/nowhere/at/all"));
});
