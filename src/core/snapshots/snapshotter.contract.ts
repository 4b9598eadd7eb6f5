import assert from "node:assert/strict";
import { chmod, link, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { isKind, type ErrorKind } from "#base/errors.ts";
import type { Mounter } from "#core/mounts/mounter.ts";
import { testCall } from "#test/support/call.ts";
import { requireRoot } from "#test/support/require.ts";
import type { SnapshotKey, SnapshotName, Snapshotter } from "./snapshotter.ts";
import { unpackingLabel } from "./snapshotter.ts";

/** What a driver's tests make for each case. Its end proves that nothing is left mounted below `directory`. */
export type SnapshotterBed = AsyncDisposable & {
  readonly snapshotter: Snapshotter;
  readonly mounter: Mounter;
  /** Scratch space of the case. */
  readonly directory: string;
  /** The same snapshotter as after a restart of the process. */
  reopen(): Promise<Snapshotter>;
  /** Directories of trees on disk. */
  trees(): Promise<string[]>;
};

const call = testCall();
const key = (text: string) => text as SnapshotKey;
const name = (text: string) => text as SnapshotName;

/** Every {@link Snapshotter} passes this. */
export function snapshotterContract(label: string, make: () => Promise<SnapshotterBed>): void {
  const check = (title: string, run: (bed: SnapshotterBed) => Promise<void>) => {
    test(`${label}: ${title}`, async (t) => {
      if (!requireRoot(t)) return;
      await using bed = await make();
      await run(bed);
    });
  };

  check("layers stack: later files win, removed ones are gone, lower ones stay as they were", async (bed) => {
    await commitFiles(bed, "one", undefined, { a: "1", b: "1", "d/x": "1" });
    await commitFiles(bed, "two", "one", { b: "2", "d/y": "2" }, ["a"]);
    await commitFiles(bed, "three", "two", { c: "3" }, ["d"]);
    assert.deepEqual(await show(bed, "one"), { a: "1", b: "1", "d/x": "1" });
    assert.deepEqual(await show(bed, "two"), { b: "2", "d/x": "1", "d/y": "2" });
    assert.deepEqual(await show(bed, "three"), { b: "2", c: "3" });
  });

  check("two active snapshots of one parent do not see each other", async (bed) => {
    await commitFiles(bed, "base", undefined, { f: "base" });
    await bed.snapshotter.prepare(call, key("left"), name("base"));
    await bed.snapshotter.prepare(call, key("right"), name("base"));
    await withMounted(bed, "left", async (root) => await writeFile(join(root, "f"), "left"));
    await withMounted(bed, "right", async (root) => {
      assert.equal(await readFile(join(root, "f"), "utf8"), "base");
    });
    assert.deepEqual(await show(bed, "base"), { f: "base" });
  });

  check("a view cannot be written", async (bed) => {
    await commitFiles(bed, "one", undefined, { a: "1" });
    await commitFiles(bed, "two", "one", { b: "2" });
    for (const [view, parent] of [
      ["v0", undefined],
      ["v1", "one"],
      ["v2", "two"],
    ] as const) {
      await bed.snapshotter.view(call, key(view), parent === undefined ? undefined : name(parent));
      await withMounted(bed, view, async (root) => {
        await assert.rejects(writeFile(join(root, "new"), ""), { code: "EROFS" });
      });
      assert.equal((await bed.snapshotter.get(call, key(view))).kind, "view");
    }
  });

  check("the root directory keeps owner and mode through the layers", async (bed) => {
    await bed.snapshotter.prepare(call, key("k"));
    await withMounted(bed, "k", async (root) => await chmod(root, 0o1770));
    await bed.snapshotter.commit(call, name("odd"), key("k"));
    await bed.snapshotter.prepare(call, key("on"), name("odd"));
    await withMounted(bed, "on", async (root) => assert.equal((await stat(root)).mode & 0o7777, 0o1770));
  });

  check("records: kinds, parents, labels", async (bed) => {
    const { snapshotter } = bed;
    await snapshotter.prepare(call, key("k"), undefined, { colour: "red" });
    const active = await snapshotter.get(call, key("k"));
    assert.deepEqual([active.kind, active.parent, active.labels], ["active", undefined, { colour: "red" }]);
    assert.ok(active.createdAtNs > 0n);
    await snapshotter.updateLabels(call, key("k"), { colour: undefined, size: "big" });
    assert.deepEqual((await snapshotter.get(call, key("k"))).labels, { size: "big" });
    await snapshotter.commit(call, name("n"), key("k"), { labels: { done: "yes" } });
    assert.equal(await snapshotter.find(call, key("k")), undefined);
    const committed = await snapshotter.get(call, name("n"));
    assert.deepEqual([committed.kind, committed.labels], ["committed", { done: "yes" }]);
    await snapshotter.prepare(call, key("child"), name("n"));
    assert.equal((await snapshotter.get(call, key("child"))).parent, "n");
    assert.deepEqual((await snapshotter.list(call)).map((info) => info.key).sort(), ["child", "n"]);
  });

  check("refusals have their kind and change nothing", async (bed) => {
    const { snapshotter } = bed;
    await commitFiles(bed, "base", undefined, { f: "1" });
    await snapshotter.prepare(call, key("k"), name("base"));
    await rejects(snapshotter.prepare(call, key("k")), "alreadyExists");
    await rejects(snapshotter.view(call, key("k")), "alreadyExists");
    await rejects(snapshotter.prepare(call, key("other"), name("missing")), "notFound");
    await rejects(snapshotter.prepare(call, key("other"), name("k")), "notFound");
    await rejects(snapshotter.commit(call, name("base"), key("k")), "alreadyExists");
    await rejects(snapshotter.commit(call, name("x"), key("missing")), "notFound");
    await rejects(snapshotter.mounts(call, key("missing")), "notFound");
    await rejects(snapshotter.mounts(call, key("base")), "failedPrecondition");
    await rejects(snapshotter.remove(call, name("base")), "failedPrecondition");
    await rejects(snapshotter.remove(call, key("missing")), "notFound");
    await rejects(snapshotter.usage(call, key("missing")), "notFound");
    await rejects(snapshotter.updateLabels(call, key("missing"), {}), "notFound");
    assert.deepEqual((await snapshotter.list(call)).map((info) => info.key).sort(), ["base", "k"]);
    assert.equal((await bed.trees()).length, 2);
  });

  check("namespaces do not see each other", async (bed) => {
    const other = testCall({ namespace: "other" });
    await commitFiles(bed, "base", undefined, { f: "1" });
    assert.equal(await bed.snapshotter.find(other, name("base")), undefined);
    await rejects(bed.snapshotter.prepare(other, key("k"), name("base")), "notFound");
    await bed.snapshotter.prepare(other, key("k"));
    assert.deepEqual(
      (await bed.snapshotter.list(call)).map((info) => info.key),
      ["base"],
    );
  });

  check("usage counts blocks and inodes, a file with two names once", async (bed) => {
    const { snapshotter } = bed;
    await snapshotter.prepare(call, key("k"));
    const { directory } = await snapshotter.layerTarget(call, key("k"));
    const before = await snapshotter.usage(call, key("k"));
    await writeFile(join(directory, "big"), Buffer.alloc(1 << 20, 1));
    await link(join(directory, "big"), join(directory, "again"));
    const after = await snapshotter.usage(call, key("k"));
    assert.equal(after.inodes - before.inodes, 1);
    assert.ok(after.sizeBytes - before.sizeBytes >= 1 << 20 && after.sizeBytes - before.sizeBytes < 1.5 * (1 << 20));
    await snapshotter.commit(call, name("n"), key("k"));
    assert.deepEqual(await snapshotter.usage(call, name("n")), after);
  });

  check("a removed snapshot's tree is gone, the others' stay", async (bed) => {
    await commitFiles(bed, "one", undefined, { a: "1" });
    await commitFiles(bed, "two", "one", { b: "2" });
    assert.equal((await bed.trees()).length, 2);
    await bed.snapshotter.remove(call, name("two"));
    assert.equal((await bed.trees()).length, 1);
    assert.deepEqual(await show(bed, "one"), { a: "1" });
  });

  check("purge takes trees without a record and no other", async (bed) => {
    await commitFiles(bed, "one", undefined, { a: "1" });
    const [tree = ""] = await bed.trees();
    await mkdir(join(tree, "../4711/fs"), { recursive: true });
    assert.deepEqual(await bed.snapshotter.purge(call), { removed: 1 });
    assert.deepEqual(await bed.trees(), [tree]);
    assert.deepEqual(await show(bed, "one"), { a: "1" });
  });

  check("recover: whole snapshots stay, half-made and half-unpacked ones go", async (bed) => {
    const other = testCall({ namespace: "other" });
    await commitFiles(bed, "base", undefined, { a: "1" });
    await bed.snapshotter.prepare(call, key("whole"), name("base"));
    await withMounted(bed, "whole", async (root) => await writeFile(join(root, "kept"), "yes"));
    await bed.snapshotter.prepare(call, key("unpacking"), name("base"), { [unpackingLabel]: "true" });
    await bed.snapshotter.prepare(other, key("half"));
    const { directory } = await bed.snapshotter.layerTarget(other, key("half"));
    await rm(directory, { recursive: true });
    const snapshotter = await bed.reopen();
    await snapshotter.recover(call);
    assert.deepEqual((await snapshotter.list(call)).map((info) => info.key).sort(), ["base", "whole"]);
    assert.deepEqual(await snapshotter.list(other), []);
    assert.equal((await bed.trees()).length, 2);
    await withMounted(bed, "whole", async (root) => {
      assert.equal(await readFile(join(root, "kept"), "utf8"), "yes");
    });
  });

  check("rebase: the parent is named at commit", async (bed) => {
    const { snapshotter } = bed;
    if (!snapshotter.capabilities.rebase) return;
    await snapshotter.prepare(call, key("upper"));
    const target = await snapshotter.layerTarget(call, key("upper"));
    assert.deepEqual(target.parents, []);
    await writeFile(join(target.directory, "b"), "2");
    await commitFiles(bed, "base", undefined, { a: "1" });
    assert.equal((await snapshotter.layerTarget(call, key("upper"), name("base"))).parents.length, 1);
    await rejects(snapshotter.commit(call, name("n"), key("upper"), { parent: name("missing") }), "notFound");
    await snapshotter.commit(call, name("n"), key("upper"), { parent: name("base") });
    assert.deepEqual(await show(bed, "n"), { a: "1", b: "2" });
  });
}

/** Commits a snapshot with `files` written and `removed` taken away. */
async function commitFiles(
  bed: SnapshotterBed,
  committed: string,
  parent: string | undefined,
  files: Record<string, string>,
  removed: string[] = [],
): Promise<void> {
  const active = `making ${committed}`;
  await bed.snapshotter.prepare(call, key(active), parent === undefined ? undefined : name(parent));
  await withMounted(bed, active, async (root) => {
    for (const path of removed) await rm(join(root, path), { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(root, path, ".."), { recursive: true });
      await writeFile(join(root, path), content);
    }
  });
  await bed.snapshotter.commit(call, name(committed), key(active));
}

/** All files of a committed snapshot, as a container on it would see them. */
async function show(bed: SnapshotterBed, committed: string): Promise<Record<string, string>> {
  const view = `showing ${committed}`;
  await bed.snapshotter.view(call, key(view), name(committed));
  const files: Record<string, string> = {};
  await withMounted(bed, view, async (root) => {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files[path.slice(root.length + 1)] = await readFile(path, "utf8");
    }
  });
  await bed.snapshotter.remove(call, key(view));
  return files;
}

async function withMounted(bed: SnapshotterBed, active: string, use: (root: string) => Promise<void>): Promise<void> {
  const root = join(bed.directory, `mount-${active.replace(/\W/g, "-")}`);
  await mkdir(root, { recursive: true });
  await bed.mounter.mount(call, await bed.snapshotter.mounts(call, key(active)), root);
  try {
    await use(root);
  } finally {
    await bed.mounter.unmount(call, root);
  }
}

async function rejects(promise: Promise<unknown>, kind: ErrorKind): Promise<void> {
  await assert.rejects(promise, (error: unknown) => isKind(error, kind) || assert.fail(String(error)));
}
