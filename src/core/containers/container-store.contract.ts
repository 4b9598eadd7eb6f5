import assert from "node:assert/strict";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { ContainerStore } from "./container-store.ts";
import { sampleContainer } from "./container.fixture.ts";
import type { Container, ContainerId } from "./container.ts";

export type ContainerStoreFixture = AsyncDisposable & {
  readonly store: ContainerStore;
  /** The same records, read anew as after a restart. The earlier store is of no use then. */
  readonly reopen: () => Promise<ContainerStore>;
};

/** What every container store does. */
export function containerStoreContract(name: string, make: () => Promise<ContainerStoreFixture>): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const contract = (title: string, body: (fixture: ContainerStoreFixture) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture);
    });
  };
  const a = sampleContainer("aa1", { name: "web" });
  const b = sampleContainer("aa2", { name: "aa1" });

  contract("records come back as they were, after a restart too", async ({ store, reopen }) => {
    const full = rich("cafe");
    await store.create(call, full);
    assert.deepEqual(await store.get(call, full.id), full);
    assert.deepEqual(await (await reopen()).get(call, full.id), full);
  });

  contract("the store's record is its own", async ({ store }) => {
    const labels: Record<string, string> = { a: "1" };
    await store.create(call, { ...a, labels });
    labels["a"] = "2";
    assert.deepEqual((await store.get(call, a.id)).labels, { a: "1" });
  });

  contract("resolve: id, name, name with slash, prefix, in this order", async ({ store }) => {
    await store.create(call, a);
    await store.create(call, b);
    const found = async (text: string) => (await store.resolve(call, text)).id;
    assert.equal(await found(a.id), a.id);
    assert.equal(await found("web"), a.id);
    assert.equal(await found("/web"), a.id);
    assert.equal(await found("aa1"), b.id);
    assert.equal(await found("aa10"), a.id);
    await fails("invalidArgument", store.resolve(call, "aa"), "multiple IDs found with provided prefix: aa");
    for (const text of ["", "nope", "A", "/aa"]) {
      await fails("notFound", store.resolve(call, text), `No such container: ${text}`);
    }
    await fails("notFound", store.resolve(other, "web"), "No such container: web");
  });

  contract("a name is given once per namespace", async ({ store }) => {
    await store.create(call, a);
    const text = `Conflict. The container name "/web" is already in use by container "${a.id}". You have to remove (or rename) that container to be able to reuse that name.`;
    await fails("conflict", store.create(call, { ...b, name: "web" }), text);
    await store.create(other, { ...b, name: "web", namespace: other.namespace });
    await fails("conflict", store.create(call, { ...a, name: "else" }));
    assert.deepEqual(await store.list(call), [a]);
  });

  contract("a rename frees the old name, a delete too", async ({ store }) => {
    await store.create(call, a);
    await store.create(call, b);
    await fails(
      "conflict",
      store.update(call, b.id, (container) => ({ ...container, name: "web" })),
    );
    assert.equal((await store.get(call, b.id)).name, "aa1");
    await store.update(call, a.id, (container) => ({ ...container, name: "api" }));
    await store.update(call, b.id, (container) => ({ ...container, name: "web" }));
    assert.equal((await store.resolve(call, "web")).id, b.id);
    assert.equal((await store.resolve(call, "api")).id, a.id);
    await store.delete(call, b.id);
    await store.create(call, { ...b, name: "web" });
  });

  contract("update stores what the change gives and survives a restart", async ({ store, reopen }) => {
    await store.create(call, a);
    const running = await store.update(call, a.id, (container) => ({
      ...container,
      status: { ...container.status, state: "running", pid: 7, startedAtNs: 1_795_000_000_123_456_789n },
    }));
    assert.equal(running.status.pid, 7);
    assert.deepEqual(await store.get(call, a.id), running);
    assert.deepEqual(await (await reopen()).get(call, a.id), running);
  });

  contract("a change that throws changes nothing", async ({ store }) => {
    await store.create(call, a);
    const failing = store.update(call, a.id, () => {
      throw new Error("no");
    });
    await assert.rejects(failing, /^Error: no$/);
    assert.deepEqual(await store.get(call, a.id), a);
  });

  contract("what is missing is not found", async ({ store }) => {
    const id = "f".repeat(64) as ContainerId;
    assert.equal(await store.find(call, id), undefined);
    const text = `No such container: ${id}`;
    await fails("notFound", store.get(call, id), text);
    await fails("notFound", store.delete(call, id), text);
    await fails(
      "notFound",
      store.update(call, id, (container) => container),
      text,
    );
  });

  contract("namespaces do not see each other; listAll sees all", async ({ store, reopen }) => {
    await store.create(call, a);
    const theirs = { ...b, namespace: other.namespace };
    await store.create(other, theirs);
    assert.deepEqual([await store.list(call), await store.list(other)], [[a], [theirs]]);
    await fails("notFound", store.delete(call, b.id));
    const all = await (await reopen()).listAll();
    assert.deepEqual(all.map(({ id }) => id).sort(), [a.id, b.id]);
  });
}

/** A record with every kind of value that JSON does not keep by itself, and what looks like ours. */
function rich(seed: string): Container {
  const sample = sampleContainer(seed);
  return {
    ...sample,
    createdAtNs: 2n ** 63n - 1n,
    status: {
      ...sample.status,
      startedAtNs: 0n,
      health: {
        status: "healthy",
        failingStreak: 0,
        log: [{ startedAtNs: -1n, endedAtNs: 9_007_199_254_740_993n, exitCode: 0, output: "é\u0000\ud83d\ude00" }],
      },
    },
    extensions: {
      docker: { $bigint: "12", nested: [{ $bigint: "1" }, { $$bigint: null }, { $bigint: {}, more: 1 }] },
      odd: JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'),
    },
  };
}
