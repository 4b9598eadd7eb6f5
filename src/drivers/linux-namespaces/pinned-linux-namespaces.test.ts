import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { testCall } from "#test/support/call.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { PinnedLinuxNamespaces } from "./pinned-linux-namespaces.ts";

const execute = promisify(execFile);
const call = testCall();

async function fixture() {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryDirectory("netns"));
  const directory = join(path, "netns");
  undo.defer(async () => void (await execute("sh", ["-c", `umount -l ${directory} 2>/dev/null || true`])));
  const stack = undo.move();
  const host = await readlink("/proc/self/ns/net");
  return {
    directory,
    namespaces: new PinnedLinuxNamespaces(directory),
    async [Symbol.asyncDispose]() {
      await using _stack = stack;
      assert.equal(await readlink("/proc/thread-self/ns/net"), host, "the main thread is back on the host's network");
      const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
      assert.deepEqual(
        mounts.filter((line) => line.includes(`${directory}/`)),
        [],
      );
    },
  };
}

test("a namespace lives without a process, apart from the host, loopback up, until it is deleted", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  const path = await it.namespaces.createNetwork(call, "one");
  assert.equal(path, it.namespaces.pathOf("one"));
  const { stdout } = await execute("nsenter", [`--net=${path}`, "ip", "-o", "link"]);
  assert.match(stdout, /^1: lo: <LOOPBACK,UP,LOWER_UP>[^\n]*\n$/);
  assert.deepEqual(await it.namespaces.listNetwork(), ["one"]);
  await it.namespaces.deleteNetwork(call, "one");
  assert.deepEqual(await it.namespaces.listNetwork(), []);
});

test("many at once, none twice, deleted by a successor that did not make them", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  await Promise.all(names.map((name) => it.namespaces.createNetwork(call, name)));
  await assert.rejects(it.namespaces.createNetwork(call, "n3"), { kind: "alreadyExists" });
  const successor = new PinnedLinuxNamespaces(it.directory);
  assert.deepEqual((await successor.listNetwork()).sort(), names.sort());
  for (const name of names) await successor.deleteNetwork(call, name);
});

test("what a crash left half-made is listed and deleted; deleting nothing succeeds", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  await it.namespaces.deleteNetwork(call, "never");
  await writeFile(join(it.directory, "half"), "");
  assert.deepEqual(await it.namespaces.listNetwork(), ["half"]);
  await it.namespaces.deleteNetwork(call, "half");
  await it.namespaces.deleteNetwork(call, "half");
  assert.deepEqual(await it.namespaces.listNetwork(), []);
});

test("a mount tree that was copied before sees the unmount, so nothing keeps the namespace", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  await it.namespaces.deleteNetwork(call, "prepare");
  const mountinfo = await readFile("/proc/self/mountinfo", "utf8");
  assert.match(mountinfo.split("\n").find((line) => line.includes(` ${it.directory} `)) ?? "", / shared:\d+ /);
});

test("the directory is a plain one again after disposal, once it is empty", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  const isMount = async () => (await readFile("/proc/self/mountinfo", "utf8")).includes(` ${it.directory} `);
  await it.namespaces.createNetwork(call, "one");
  await it.namespaces[Symbol.asyncDispose]();
  assert.equal(await isMount(), true);
  await it.namespaces.deleteNetwork(call, "one");
  await it.namespaces[Symbol.asyncDispose]();
  assert.equal(await isMount(), false);
});

test("names that are paths are refused", async () => {
  const namespaces = new PinnedLinuxNamespaces("/nowhere");
  for (const name of ["", "..", "a/b", ".hidden", "-x"]) {
    assert.throws(() => namespaces.pathOf(name), { kind: "invalidArgument" });
  }
});
