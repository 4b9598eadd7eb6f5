import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { silentLogger } from "#base/logger.ts";
import { volumeStoreContract } from "#core/volumes/volume-store.contract.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { LocalVolumeStore } from "./local-volume-store.ts";

async function open() {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("volumes"));
  const { volumes: index } = stack.use(SqliteMetadata.open(join(directory.path, "meta.db")));
  const root = join(directory.path, "a volumes root");
  const owned = stack.move();
  const store = new LocalVolumeStore(root, index);
  return {
    store,
    index,
    root,
    directory: directory.path,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

volumeStoreContract("volumes-local", open);

const call = testCall();

test("recover finishes a removal, makes a missing directory and takes a half-made one away", async () => {
  await using fixture = await open();
  const { store, index, root } = fixture;
  const going = await store.create(call, { name: "going" });
  await writeFile(join(going.mountpoint, "f"), "x");
  const record = await index.find(call, "going");
  assert(record !== undefined);
  await index.update(call, { ...record, state: "removing" });
  assert.deepEqual(await store.list(call), []);
  const made = await store.create(call, { name: "made" });
  await rm(join(root, "default", "made"), { recursive: true });
  await mkdir(join(root, "default", "half"), { recursive: true });
  await store.recover(call);
  assert.deepEqual(await readdir(join(root, "default")), ["made"]);
  assert.deepEqual(await store.list(call), [made]);
  assert.equal(await index.find(call, "going"), undefined);
});

test("recover undoes content that was not all written, and moves in what was", async () => {
  await using fixture = await open();
  const { store } = fixture;
  for (const [name, left] of [
    ["undone", "_filling"],
    ["done", "_filled"],
  ] as const) {
    const { mountpoint } = await store.create(call, { name });
    const beside = join(mountpoint, "..", left);
    await mkdir(join(beside, "etc"), { recursive: true });
    await writeFile(join(beside, "etc", "conf"), "image's");
    await writeFile(join(beside, "moved"), "image's");
  }
  const { mountpoint } = await store.get(call, "done");
  await writeFile(join(mountpoint, "moved"), "written since");
  await store.recover(call);
  assert.equal(await store.isEmpty(call, "undone"), true);
  assert.deepEqual((await readdir(mountpoint)).sort(), ["etc", "moved"]);
  assert.equal(await readFile(join(mountpoint, "moved"), "utf8"), "written since");
  assert.deepEqual(await readdir(join(mountpoint, "..")), ["_data"]);
});

test("a name whose removal was cut short begins empty", async () => {
  await using fixture = await open();
  const { store, index } = fixture;
  const { mountpoint } = await store.create(call, { name: "again" });
  await writeFile(join(mountpoint, "old"), "x");
  const record = await index.find(call, "again");
  assert(record !== undefined);
  await index.update(call, { ...record, state: "removing" });
  await store.create(call, { name: "again" });
  assert.equal(await store.isEmpty(call, "again"), true);
});

test("files without a record are taken up, not thrown away", async () => {
  await using fixture = await open();
  const { store, index } = fixture;
  const { mountpoint } = await store.create(call, { name: "data" });
  await writeFile(join(mountpoint, "precious"), "1");
  await index.delete(call, "data");
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  await store.recover(testCall({ log }));
  assert.equal(await readFile(join((await store.get(call, "data")).mountpoint, "precious"), "utf8"), "1");
  assert.equal(warnings.length, 1);
});

test("a volume with a mount in it is not removed", async (t) => {
  if (!requireRoot(t)) return;
  await using fixture = await open();
  const { store } = fixture;
  const { mountpoint } = await store.create(call, { name: "mounted" });
  const at = join(mountpoint, "in side");
  await mkdir(at);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", at]);
  try {
    await fails("failedPrecondition", store.delete(call, "mounted"), /in side is mounted$/);
    assert.equal((await store.get(call, "mounted")).name, "mounted");
  } finally {
    execFileSync("umount", [at]);
  }
  await store.delete(call, "mounted");
});
