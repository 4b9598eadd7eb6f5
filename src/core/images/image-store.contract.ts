import assert from "node:assert/strict";
import test from "node:test";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { digestOf } from "#core/content/digest.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import type { ImageName, ImageStore } from "./image-store.ts";

/** What every image store does. */
export function imageStoreContract(name: string, make: () => Promise<AsyncDisposable & { store: ImageStore }>): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const nginx = "docker.io/library/nginx:latest" as ImageName;
  const contract = (title: string, body: (store: ImageStore) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture.store);
    });
  };

  contract("put makes a name and moves it", async (store) => {
    const made = await store.put(call, nginx, target("1"), { a: "b" });
    assert.equal(made.previous, undefined);
    assert.deepEqual([made.image.target, made.image.labels], [target("1"), { a: "b" }]);
    const moved = await store.put(call, nginx, target("2"));
    assert.deepEqual(moved.previous, made.image);
    assert.deepEqual(moved.image.labels, { a: "b" });
    assert.equal(moved.image.createdAtNs, made.image.createdAtNs);
    assert.deepEqual(await store.get(call, nginx), moved.image);
    assert.deepEqual(await store.list(call), [moved.image]);
  });

  contract("a whole descriptor comes back", async (store) => {
    const full: Descriptor = {
      ...target("x"),
      platform: { os: "linux", architecture: "arm", variant: "v7", osFeatures: ["a"] },
      annotations: { "org.opencontainers.image.ref.name": "é" },
      artifactType: "text/plain",
    };
    await store.put(call, nginx, full);
    assert.deepEqual((await store.get(call, nginx)).target, full);
  });

  contract("what is missing is not found, in Docker's words", async (store) => {
    assert.equal(await store.find(call, nginx), undefined);
    await fails("notFound", store.get(call, nginx), "No such image: nginx:latest");
    await fails("notFound", store.delete(call, nginx), "No such image: nginx:latest");
    const dangling = `dangling@${digestOf("x")}` as ImageName;
    await fails("notFound", store.get(call, dangling), /^No such image: dangling@sha256:/);
  });

  contract("delete removes the name", async (store) => {
    await store.put(call, nginx, target("1"));
    await store.delete(call, nginx);
    assert.deepEqual(await store.list(call), []);
  });

  contract("namespaces do not see each other", async (store) => {
    await store.put(call, nginx, target("1"));
    assert.deepEqual([await store.list(other), await store.find(other, nginx)], [[], undefined]);
    await fails("notFound", store.delete(other, nginx));
    await store.put(other, nginx, target("2"));
    assert.deepEqual((await store.get(call, nginx)).target, target("1"));
  });
}

function target(seed: string): Descriptor {
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(seed), sizeBytes: seed.length };
}
