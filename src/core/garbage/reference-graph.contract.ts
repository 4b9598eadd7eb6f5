import assert from "node:assert/strict";
import test from "node:test";
import type { ContainerStore } from "#core/containers/container-store.ts";
import { sampleContainer } from "#core/containers/container.fixture.ts";
import type { ContentIndex } from "#core/content/content-index.ts";
import { mediaTypes } from "#core/content/descriptor.ts";
import { digestOf } from "#core/content/digest.ts";
import type { ImageName, ImageStore } from "#core/images/image-store.ts";
import type { Labels } from "#core/labels.ts";
import type { LeaseStore } from "#core/leases/lease-store.ts";
import type { SnapshotIndex } from "#core/snapshots/snapshot-index.ts";
import type { SnapshotKey, SnapshotName } from "#core/snapshots/snapshotter.ts";
import { testCall } from "#test/support/call.ts";
import type { ReferenceGraph } from "./reference-graph.ts";

export type ReferenceGraphFixture = AsyncDisposable & {
  readonly graph: ReferenceGraph;
  readonly content: ContentIndex;
  /** Of `overlayfs`. */
  readonly snapshots: SnapshotIndex;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly containers: ContainerStore;
};

/** What every reference graph does; the marking itself is `mark.test.ts`'s. */
export function referenceGraphContract(name: string, make: () => Promise<ReferenceGraphFixture>): void {
  const call = testCall();
  const other = testCall({ namespace: "other" });
  const contract = (title: string, body: (fixture: ReferenceGraphFixture) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture);
    });
  };
  const [manifest, config, layer] = [digestOf("manifest"), digestOf("config"), digestOf("layer")];
  const nginx = "docker.io/library/nginx:latest" as ImageName;
  const target = { mediaType: mediaTypes.ociManifest, digest: manifest, sizeBytes: 1 };

  async function addImage({ content, snapshots }: ReferenceGraphFixture, on = call): Promise<void> {
    const labels = { "containerd.io/gc.ref.content.config": config, "containerd.io/gc.ref.content.l.0": layer };
    await content.insert(on, manifest, 1, labels);
    await content.insert(on, config, 1, { "containerd.io/gc.ref.snapshot.overlayfs": "chain 2" });
    await content.insert(on, layer, 1, {});
    await addLayer(snapshots, on, "chain 1");
    await addLayer(snapshots, on, "chain 2", "chain 1");
  }

  const left = async ({ content, snapshots }: ReferenceGraphFixture, on = call) => [
    (await content.list(on)).length,
    (await snapshots.list(on)).map(({ key }) => key),
  ];

  contract("an image keeps its content and its unpacked layers, until it is gone", async (all) => {
    await addImage(all);
    await all.images.put(call, nginx, target);
    assert.deepEqual(await all.graph.collect(call), []);
    await all.images.delete(call, nginx);
    assert.equal((await all.graph.collect(call)).length, 5);
    assert.deepEqual(await left(all), [0, []]);
  });

  contract("labels of an image lead on", async (all) => {
    await all.content.insert(call, layer, 1, {});
    await all.images.put(call, nginx, target, { "containerd.io/gc.ref.content.x": layer });
    assert.deepEqual(await all.graph.collect(call), []);
  });

  contract("a container keeps its snapshot's chain, its image's manifest and config", async (all) => {
    await addImage(all);
    const sample = sampleContainer("abc");
    const container = { ...sample, image: { reference: "nginx", id: config, manifest } };
    await all.snapshots.insert(call, container.snapshotKey, "active", { parent: "chain 2" as SnapshotName });
    await addLayer(all.snapshots, call, "stray");
    await all.containers.create(call, container);
    assert.deepEqual(await all.graph.collect(call), [{ namespace: "default", t: "snapshot", key: "overlayfs/stray" }]);
    await all.containers.delete(call, container.id);
    await all.graph.collect(call);
    assert.deepEqual(await left(all), [0, []]);
  });

  contract("a lease keeps what it names and what that leads to", async (all) => {
    await addImage(all);
    const { id } = await all.leases.create(call);
    await all.leases.addResource(call, id, { t: "content", digest: manifest });
    await all.leases.addResource(call, id, { t: "ingest", ref: "x" });
    assert.deepEqual(await all.graph.collect(call), []);
    await all.leases.delete(call, id);
    assert.equal((await all.graph.collect(call)).length, 5);
  });

  contract("an expired lease keeps nothing and is gone; one to come keeps", async (all) => {
    await all.content.insert(call, layer, 1, {});
    await all.content.insert(call, config, 1, {});
    const expired = await all.leases.create(call, { expireAfterMs: -1 });
    const valid = await all.leases.create(call, { expireAfterMs: 60_000 });
    await all.leases.addResource(call, expired.id, { t: "content", digest: layer });
    await all.leases.addResource(call, valid.id, { t: "content", digest: config });
    assert.deepEqual(
      (await all.graph.collect(call)).map(({ key }) => key),
      [layer],
    );
    assert.deepEqual(
      (await all.leases.list(call)).map(({ id }) => id),
      [valid.id],
    );
  });

  contract("gc.root and gc.flat", async (all) => {
    await insertAll(all.content, { a: { "containerd.io/gc.root": "" }, b: {}, c: {} });
    await all.content.updateLabels(call, digestOf("b"), { "containerd.io/gc.ref.content": digestOf("c") });
    const { id } = await all.leases.create(call, { labels: { "containerd.io/gc.flat": "" } });
    await all.leases.addResource(call, id, { t: "content", digest: digestOf("b") });
    assert.deepEqual(
      (await all.graph.collect(call)).map(({ key }) => key),
      [digestOf("c")],
    );
  });

  contract("each namespace by itself", async (all) => {
    await addImage(all, call);
    await addImage(all, other);
    await all.images.put(other, nginx, target);
    const garbage = await all.graph.collect(call);
    assert.deepEqual(new Set(garbage.map(({ namespace }) => namespace)), new Set(["default"]));
    assert.deepEqual(await left(all, other), [3, ["chain 1", "chain 2"]]);
    assert.notEqual(await all.content.findAnywhere(layer), undefined);
  });

  contract("a chain that was joined top first goes as a whole", async (all) => {
    await all.snapshots.insert(call, "top" as SnapshotKey, "active", {});
    await addLayer(all.snapshots, call, "bottom");
    const options = { parent: "bottom" as SnapshotName, sizeBytes: 1, inodes: 1 };
    await all.snapshots.commit(call, "top layer" as SnapshotName, "top" as SnapshotKey, options);
    assert.equal((await all.graph.collect(call)).length, 2);
    assert.deepEqual(await left(all), [0, []]);
  });

  async function insertAll(content: ContentIndex, blobs: Record<string, Labels>): Promise<void> {
    for (const [seed, labels] of Object.entries(blobs)) await content.insert(call, digestOf(seed), 1, labels);
  }
}

async function addLayer(snapshots: SnapshotIndex, call: ReturnType<typeof testCall>, name: string, parent?: string) {
  const key = `unpack ${name}` as SnapshotKey;
  await snapshots.insert(call, key, "active", parent === undefined ? {} : { parent: parent as SnapshotName });
  await snapshots.commit(call, name as SnapshotName, key, { sizeBytes: 1, inodes: 1 });
}
