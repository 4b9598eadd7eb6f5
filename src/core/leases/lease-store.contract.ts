import assert from "node:assert/strict";
import test from "node:test";
import { nowNs, parseRfc3339 } from "#base/clock.ts";
import type { LeaseId } from "#core/call.ts";
import { digestOf } from "#core/content/digest.ts";
import { gcLabels } from "#core/labels.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { LeaseResource, LeaseStore } from "./lease-store.ts";

/** What every lease store does. */
export function leaseStoreContract(name: string, make: () => Promise<AsyncDisposable & { store: LeaseStore }>): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const id = "pull" as LeaseId;
  const contract = (title: string, body: (store: LeaseStore) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture.store);
    });
  };

  contract("create, list, delete", async (store) => {
    const lease = await store.create(call, { id, labels: { a: "b" } });
    const unnamed = await store.create(call);
    assert.notEqual(unnamed.id, (await store.create(call)).id);
    assert.deepEqual(
      (await store.list(call)).find((one) => one.id === id),
      lease,
    );
    await fails("alreadyExists", store.create(call, { id }));
    await store.delete(call, id);
    await fails("notFound", store.delete(call, id));
    assert.equal((await store.list(call)).length, 2);
  });

  contract("expireAfterMs becomes the label", async (store) => {
    const { labels } = await store.create(call, { expireAfterMs: 60_000 });
    const at = parseRfc3339(labels[gcLabels.expire] ?? "") ?? 0n;
    const inMs = Number((at - nowNs()) / 1_000_000n);
    assert(inMs > 0 && inMs <= 60_001, `${inMs}`);
  });

  contract("resources of any key", async (store) => {
    const resources: LeaseResource[] = [
      { t: "content", digest: digestOf("x") },
      { t: "ingest", ref: "a/b c\n" },
      { t: "snapshot", snapshotter: "overlayfs", key: "k/../x y" },
    ];
    await store.create(call, { id });
    for (const resource of resources) {
      await store.addResource(call, id, resource);
      await store.addResource(call, id, resource);
    }
    assert.deepEqual(await store.listResources(call, id), resources);
    for (const resource of resources) await store.deleteResource(call, id, resource);
    assert.deepEqual(await store.listResources(call, id), []);
    for (const resource of resources) await fails("notFound", store.deleteResource(call, id, resource));
  });

  contract("a missing lease is not found; namespaces do not see each other's", async (store) => {
    const resource = { t: "content", digest: digestOf("x") } as const;
    await store.create(other, { id });
    await fails("notFound", store.addResource(call, id, resource));
    await fails("notFound", store.deleteResource(call, id, resource));
    await fails("notFound", store.listResources(call, id));
    await fails("notFound", store.delete(call, id));
    assert.deepEqual(await store.list(call), []);
    await store.create(call, { id });
    const all = await store.listAll();
    assert.deepEqual(
      all.map((lease) => [lease.namespace, lease.id]),
      [
        ["default", id],
        ["other", id],
      ],
    );
    await store.addResource(call, id, resource);
    assert.deepEqual(await store.listResources(other, id), []);
  });

  contract("a deleted lease takes its resources along", async (store) => {
    await store.create(call, { id });
    await store.addResource(call, id, { t: "content", digest: digestOf("x") });
    await store.delete(call, id);
    await store.create(call, { id });
    assert.deepEqual(await store.listResources(call, id), []);
  });
}
