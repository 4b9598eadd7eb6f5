import assert from "node:assert/strict";
import { chmod, link, mkdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { VolumeStore } from "./volume-store.ts";

/** What every volume store does. */
export function volumeStoreContract(
  name: string,
  make: () => Promise<AsyncDisposable & { store: VolumeStore; directory: string }>,
): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const contract = (title: string, body: (store: VolumeStore, directory: string) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture.store, fixture.directory);
    });
  };

  contract("create makes a directory or answers the one there is", async (store) => {
    const volume = await store.create(call, { name: "data", labels: { a: "b" } });
    assert.deepEqual([volume.name, volume.labels, volume.anonymous], ["data", { a: "b" }, false]);
    assert.equal((await stat(volume.mountpoint)).mode & 0o7777, 0o755);
    await writeFile(join(volume.mountpoint, "f"), "kept");
    assert.deepEqual(await store.create(call, { name: "data" }), volume);
    assert.equal(await readFile(join(volume.mountpoint, "f"), "utf8"), "kept");
    assert.deepEqual([await store.get(call, "data"), await store.list(call)], [volume, [volume]]);
  });

  contract("without a name it is anonymous; a named one can be too", async (store) => {
    const [one, two] = [await store.create(call, {}), await store.create(call, {})];
    assert.match(one.name, /^[0-9a-f]{64}$/);
    assert.notEqual(one.name, two.name);
    assert.equal(one.anonymous, true);
    assert.equal((await store.create(call, { name: "chosen", anonymous: true })).anonymous, true);
  });

  contract("bad names are refused and make nothing", async (store) => {
    await fails("invalidArgument", store.create(call, { name: "x" }), /volume name is too short/);
    const text =
      'create ../up: "../up" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path';
    await fails("invalidArgument", store.create(call, { name: "../up" }), text);
    for (const bad of ["", ".", "..", "/abs", "a/b", "a b", "-x", ".x", "é1", "a\n", "a\0b", "x".repeat(256)]) {
      await fails("invalidArgument", store.create(call, { name: bad }));
      await fails("notFound", store.get(call, bad));
      await fails("notFound", store.delete(call, bad));
    }
    assert.deepEqual(await store.list(call), []);
  });

  contract("options that would be ignored are refused by name", async (store) => {
    await fails("notImplemented", store.create(call, { name: "nfs", options: { type: "nfs" } }), /option type/);
    await fails("invalidArgument", store.create(call, { name: "odd", options: { odd: "1" } }), 'invalid option: "odd"');
    assert.deepEqual(await store.list(call), []);
  });

  contract("delete removes files, not what links lead to", async (store, directory) => {
    const volume = await store.create(call, { name: "data" });
    const outside = join(directory, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "precious"), "1");
    await symlink(outside, join(volume.mountpoint, "link"));
    await store.delete(call, "data");
    assert.equal(await readFile(join(outside, "precious"), "utf8"), "1");
    await assert.rejects(stat(volume.mountpoint), { code: "ENOENT" });
    await fails("notFound", store.get(call, "data"), "get data: no such volume");
    await fails("notFound", store.delete(call, "data"), "get data: no such volume");
    assert.equal(await store.find(call, "data"), undefined);
    assert.equal(await store.isEmpty(call, (await store.create(call, { name: "data" })).name), true);
  });

  contract("usage counts blocks, a hard link once; isEmpty looks inside", async (store) => {
    const { mountpoint } = await store.create(call, { name: "data" });
    assert.deepEqual([await store.isEmpty(call, "data"), await store.usageBytes(call, "data")], [true, 0]);
    await mkdir(join(mountpoint, "d"));
    await writeFile(join(mountpoint, "d", "f"), Buffer.alloc(1_000_000, 1));
    await link(join(mountpoint, "d", "f"), join(mountpoint, "again"));
    assert.equal(await store.isEmpty(call, "data"), false);
    const bytes = await store.usageBytes(call, "data");
    assert(bytes >= 1_000_000 && bytes < 1_100_000, `${bytes}`);
    await fails("notFound", store.usageBytes(call, "none"));
    await fails("notFound", store.isEmpty(call, "none"));
  });

  contract("namespaces do not share a volume of the same name", async (store) => {
    const mine = await store.create(call, { name: "data" });
    assert.equal(await store.find(other, "data"), undefined);
    const theirs = await store.create(other, { name: "data" });
    assert.notEqual(mine.mountpoint, theirs.mountpoint);
    await writeFile(join(mine.mountpoint, "f"), "mine");
    await store.delete(other, "data");
    assert.equal(await readFile(join(mine.mountpoint, "f"), "utf8"), "mine");
  });

  contract("creates at once make one volume", async (store) => {
    const made = await Promise.all(Array.from({ length: 8 }, async () => await store.create(call, { name: "data" })));
    assert.equal(new Set(made.map(({ createdAtNs }) => createdAtNs)).size, 1);
  });

  contract("fill gives an empty volume its content, once, all or nothing", async (store) => {
    const { mountpoint } = await store.create(call, { name: "data" });
    const failing = store.fill(call, "data", async (directory) => {
      await writeFile(join(directory, "half"), "");
      throw new Error("torn");
    });
    await assert.rejects(failing, /^Error: torn$/);
    assert.equal(await store.isEmpty(call, "data"), true);
    const fill = async (text: string) =>
      await store.fill(call, "data", async (directory) => {
        await chmod(directory, 0o1770);
        await mkdir(join(directory, "d"));
        await writeFile(join(directory, "d", "f"), text);
        await symlink("nowhere", join(directory, "link"));
      });
    assert.deepEqual(await Promise.all([fill("one"), fill("two")]), [true, false]);
    assert.equal(await readFile(join(mountpoint, "d", "f"), "utf8"), "one");
    assert.equal(await readlink(join(mountpoint, "link")), "nowhere");
    assert.equal((await stat(mountpoint)).mode & 0o7777, 0o1770);
    await fails(
      "notFound",
      store.fill(call, "none", async () => {}),
    );
  });

  contract("recover changes nothing that is in order", async (store) => {
    const volume = await store.create(call, { name: "data" });
    await writeFile(join(volume.mountpoint, "f"), "kept");
    await store.recover(call);
    assert.deepEqual(await store.list(call), [volume]);
    assert.equal(await readFile(join(volume.mountpoint, "f"), "utf8"), "kept");
  });
}
