import assert from "node:assert/strict";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { SandboxStore } from "./sandbox-store.ts";
import type { Sandbox, SandboxId } from "./sandbox.ts";

/** What every sandbox store does. `reopen` reads what was stored anew. */
export function sandboxStoreContract(
  name: string,
  make: () => Promise<AsyncDisposable & { store: SandboxStore; reopen: () => Promise<SandboxStore> }>,
): void {
  const call = testCall({ namespace: "k8s.io" });
  const other = testCall({ namespace: "other" });
  const a = sandbox("aa11", "web");
  const b = sandbox("aa22", "db");

  test(`${name}: found by id and unambiguous prefix, in its namespace`, async () => {
    await using fixture = await make();
    const { store } = fixture;
    await store.create(call, a);
    await store.create(call, b);
    assert.deepEqual(await store.get(call, a.id), a);
    assert.deepEqual(await store.find(call, "aa1"), a);
    for (const text of ["aa", "", "bb"]) assert.equal(await store.find(call, text), undefined);
    assert.equal(await store.find(other, a.id), undefined);
    await fails("notFound", store.get(other, a.id));
    assert.deepEqual([await store.list(call), await store.list(other)], [[a, b], []]);
  });

  test(`${name}: a pod's attempt has one sandbox`, async () => {
    await using fixture = await make();
    const { store } = fixture;
    await store.create(call, a);
    await fails("alreadyExists", store.create(call, { ...b, name: a.name }), /in use by sandbox aa11/);
    await store.delete(call, a.id);
    await store.delete(call, a.id);
    await store.create(call, { ...b, name: a.name });
  });

  test(`${name}: changes are there after a restart`, async () => {
    await using fixture = await make();
    await fixture.store.create(call, a);
    const changed = await fixture.store.update(call, a.id, (now) => ({
      ...now,
      state: "ready",
      addresses: ["10.0.0.2"],
    }));
    assert.equal(changed.state, "ready");
    const again = await fixture.reopen();
    assert.deepEqual(await again.listAll(), [changed]);
    await fails(
      "notFound",
      again.update(call, b.id, (now) => now),
    );
  });
}

function sandbox(id: string, name: string): Sandbox {
  return {
    id: id.padEnd(64, "0") as SandboxId,
    namespace: testCall({ namespace: "k8s.io" }).namespace,
    name,
    pod: { name, uid: "u", namespace: "default", attempt: 0 },
    labels: { app: name },
    annotations: {},
    runtimeHandler: "",
    config: {
      hostname: name,
      linuxNamespaces: { network: "pod", ipc: "pod", pid: "container" },
      sysctls: {},
      ports: [],
      dns: { servers: [], searches: [], options: [] },
      cgroupParent: "",
      logDirectory: "",
      privileged: false,
    },
    state: "creating",
    addresses: [],
    networked: true,
    extensions: {},
    createdAtNs: 12n,
  };
}
