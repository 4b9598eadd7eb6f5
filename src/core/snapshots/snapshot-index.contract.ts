import assert from "node:assert/strict";
import test from "node:test";
import type { LeaseStore } from "#core/leases/lease-store.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { SnapshotIndex } from "./snapshot-index.ts";
import type { SnapshotKey, SnapshotName } from "./snapshotter.ts";

export type SnapshotIndexFixture = AsyncDisposable & {
  /** Of the snapshotter `overlayfs`. */
  readonly index: SnapshotIndex;
  /** Of another snapshotter over the same records. */
  readonly otherIndex: SnapshotIndex;
  readonly leases: LeaseStore;
};

const key = (text: string) => text as SnapshotKey;
const committed = (text: string) => text as SnapshotName;

/** What every snapshot index does. */
export function snapshotIndexContract(name: string, make: () => Promise<SnapshotIndexFixture>): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const size = { sizeBytes: 10, inodes: 2 };
  const contract = (title: string, body: (fixture: SnapshotIndexFixture) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture);
    });
  };
  const layer = async (index: SnapshotIndex, layerName: string, parent?: string) => {
    await index.insert(
      call,
      key(`unpack ${layerName}`),
      "active",
      parent === undefined ? {} : { parent: committed(parent) },
    );
    return await index.commit(call, committed(layerName), key(`unpack ${layerName}`), size);
  };

  contract("active becomes committed under its name and keeps its tree", async ({ index }) => {
    const active = await index.insert(call, key("k"), "active", { labels: { a: "b" } });
    assert.deepEqual([active.kind, active.labels, active.parentTreeIds], ["active", { a: "b" }, []]);
    assert.equal(await index.usage(call, key("k")), undefined);
    const done = await index.commit(call, committed("c"), key("k"), { ...size, labels: { c: "d" } });
    assert.deepEqual([done.key, done.kind, done.treeId, done.labels], ["c", "committed", active.treeId, { c: "d" }]);
    assert.equal(await index.find(call, key("k")), undefined);
    assert.deepEqual(await index.usage(call, committed("c")), size);
  });

  contract("a chain names its trees, nearest first", async ({ index }) => {
    const bottom = await layer(index, "1");
    const middle = await layer(index, "2", "1");
    const top = await layer(index, "3", "2");
    const view = await index.insert(call, key("v"), "view", { parent: committed("3") });
    assert.deepEqual([view.kind, view.parent], ["view", "3"]);
    assert.deepEqual(view.parentTreeIds, [top.treeId, middle.treeId, bottom.treeId]);
    assert.deepEqual(
      (await index.list(call)).map(({ key }) => key),
      ["1", "2", "3", "v"],
    );
  });

  contract("commit can set another parent", async ({ index }) => {
    await index.insert(call, key("upper"), "active", {});
    const bottom = await layer(index, "1");
    const upper = await index.commit(call, committed("2"), key("upper"), { ...size, parent: committed("1") });
    assert.deepEqual([upper.parent, upper.parentTreeIds], ["1", [bottom.treeId]]);
    await index.insert(call, key("x"), "active", {});
    await fails("notFound", index.commit(call, committed("3"), key("x"), { ...size, parent: committed("none") }));
    assert.equal((await index.find(call, key("x")))?.kind, "active");
  });

  contract("keys are unique, parents must be committed", async ({ index }) => {
    await index.insert(call, key("k"), "active", {});
    await fails("alreadyExists", index.insert(call, key("k"), "view", {}));
    await fails("notFound", index.insert(call, key("n"), "active", { parent: committed("none") }));
    await fails("notFound", index.insert(call, key("n"), "active", { parent: committed("k") }));
    await layer(index, "1");
    await fails("alreadyExists", index.commit(call, committed("1"), key("k"), size));
    await index.insert(call, key("v"), "view", {});
    await fails("failedPrecondition", index.commit(call, committed("2"), key("v"), size));
    await fails("failedPrecondition", index.commit(call, committed("2"), key("1"), size));
    await fails("notFound", index.commit(call, committed("2"), key("none"), size));
    assert.equal((await index.find(call, key("k")))?.kind, "active");
  });

  contract("a parent outlives its children", async ({ index }) => {
    await layer(index, "1");
    await layer(index, "2", "1");
    await fails("failedPrecondition", index.delete(call, committed("1")));
    await index.delete(call, committed("2"));
    assert.equal((await index.delete(call, committed("1"))).key, "1");
    await fails("notFound", index.delete(call, committed("1")));
    assert.equal((await index.listTreeIds()).size, 0);
  });

  contract("a tree id is never given twice", async ({ index }) => {
    const seen = new Set<number>();
    for (let round = 0; round < 5; round++) {
      seen.add((await index.insert(call, key("k"), "active", {})).treeId);
      await index.delete(call, key("k"));
    }
    assert.equal(seen.size, 5);
  });

  contract("namespaces and snapshotters do not see each other", async ({ index, otherIndex }) => {
    const mine = await layer(index, "1");
    assert.deepEqual([await index.list(other), await otherIndex.list(call)], [[], []]);
    await fails("notFound", index.insert(other, key("k"), "active", { parent: committed("1") }));
    await fails("notFound", otherIndex.insert(call, key("k"), "active", { parent: committed("1") }));
    const theirs = await index.insert(other, key("1"), "active", {});
    const foreign = await otherIndex.insert(call, key("1"), "active", {});
    assert.deepEqual(await index.listTreeIds(), new Set([mine.treeId, theirs.treeId]));
    assert.deepEqual(await otherIndex.listTreeIds(), new Set([foreign.treeId]));
  });

  contract("labels change one by one", async ({ index }) => {
    await index.insert(call, key("k"), "active", { labels: { a: "1", b: "2" } });
    const { labels } = await index.updateLabels(call, key("k"), { a: undefined, c: "3" });
    assert.deepEqual(labels, { b: "2", c: "3" });
    await fails("notFound", index.updateLabels(call, key("none"), {}));
  });

  contract("a lease holds what it made, under its new name too", async ({ index, leases }) => {
    const { id } = await leases.create(call);
    await index.insert({ ...call, leaseId: id }, key("k/../x"), "active", {});
    const held = async () =>
      (await leases.listResources(call, id)).map((resource) => resource.t === "snapshot" && resource.key);
    assert.deepEqual(await held(), ["k/../x"]);
    await index.commit(call, committed("c"), key("k/../x"), size);
    assert.deepEqual(await held(), ["c"]);
    await leases.delete(call, id);
    await fails("notFound", index.insert({ ...call, leaseId: id }, key("late"), "active", {}));
    assert.equal(await index.find(call, key("late")), undefined);
  });
}
