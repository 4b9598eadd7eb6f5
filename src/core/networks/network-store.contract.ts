import assert from "node:assert/strict";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { NetworkStore } from "./network-store.ts";
import type { Network, NetworkId } from "./network.ts";

/** What every network store does. */
export function networkStoreContract(
  name: string,
  make: () => Promise<AsyncDisposable & { store: NetworkStore }>,
): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const contract = (title: string, body: (store: NetworkStore) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture.store);
    });
  };
  const a = network("abc1", "front");
  const b = network("abc2", "abc1");

  contract("get: id, name, prefix, in this order", async (store) => {
    await store.create(call, a);
    await store.create(call, b);
    assert.deepEqual(await store.get(call, a.id), a);
    assert.deepEqual(await store.get(call, "front"), a);
    assert.deepEqual(await store.get(call, "abc1"), b);
    assert.deepEqual(await store.get(call, "abc10"), a);
    assert.deepEqual(await store.list(call), [a, b]);
    await fails("invalidArgument", store.get(call, "abc"), /^network abc is ambiguous/);
    for (const text of ["", "nope"]) await fails("notFound", store.get(call, text), `network ${text} not found`);
  });

  contract("a name is given once per namespace", async (store) => {
    await store.create(call, a);
    await fails("alreadyExists", store.create(call, { ...b, name: "front" }), "network with name front already exists");
    await store.create(other, { ...b, name: "front" });
    assert.deepEqual([(await store.list(call)).length, (await store.listAll()).length], [1, 2]);
    await fails("notFound", store.get(other, a.id));
  });

  contract("delete", async (store) => {
    await store.create(call, a);
    await fails("notFound", store.delete(other, a.id));
    await store.delete(call, a.id);
    await fails("notFound", store.delete(call, a.id), `network ${a.id} not found`);
    await store.create(call, { ...b, name: "front" });
  });
}

function network(seed: string, name: string): Network {
  return {
    id: seed.padEnd(64, "0") as NetworkId,
    name,
    driver: "bridge",
    subnets: [{ subnet: "172.30.0.0/16", gateway: "172.30.0.1", auxAddresses: { x: "172.30.0.9" } }],
    internal: false,
    ipv6: false,
    bridge: `br-${seed}`,
    attachable: true,
    labels: { a: "b" },
    options: { "com.docker.network.bridge.name": "x" },
    createdAtNs: 1_795_000_000_123_456_789n,
    builtin: false,
  };
}
