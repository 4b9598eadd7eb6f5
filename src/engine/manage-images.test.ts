import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "#core/call.ts";
import { sampleContainer } from "#core/containers/container.fixture.ts";
import { newStatus } from "#core/containers/container-status.ts";
import type { Digest } from "#core/content/digest.ts";
import { testCall } from "#test/support/call.ts";
import { openImageBed, type ImageBed } from "#test/support/image-engine.ts";
import { fixtureImage, type FixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { deleteImage } from "./delete-image.ts";
import { inspectImage } from "./inspect-image.ts";
import { listImages } from "./list-images.ts";
import { pruneImages } from "./prune-images.ts";
import { pullImage } from "./pull-image.ts";
import { pushImage } from "./push-image.ts";
import { resolveImage } from "./resolve-image.ts";
import { tagImage } from "./tag-image.ts";

const call = testCall();
const one = await fixtureImage({ layers: [{ a: "shared" }, { b: "one" }] });
const two = await fixtureImage({ layers: [{ a: "shared" }, { b: "two" }], config: { Labels: { tier: "web" } } });
const idOf = (image: FixtureImage): Digest => image.blobs[0]?.digest ?? assert.fail();

async function openBed(): Promise<AsyncDisposable & { bed: ImageBed; registry: TestRegistry; host: string }> {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await TestRegistry.start());
  const bed = stack.use(await openImageBed());
  for (const [name, image] of Object.entries({ one, two })) {
    await pullImage(call, bed.engine, { reference: registry.add(name, "1", image), unpack: false });
  }
  const owned = stack.move();
  return { bed, registry, host: registry.host, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

async function addContainer(own: Call, bed: ImageBed, image: FixtureImage, state: "running" | "exited"): Promise<void> {
  const record = sampleContainer("c".repeat(64), {
    namespace: own.namespace,
    name: "user",
    image: { reference: "one:1", id: idOf(image), manifest: image.manifest.digest },
    status: { ...newStatus, state },
  });
  await bed.engine.containers.create(own, record);
}

test("an image is found by name, digest, ID and the beginning of an ID", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  const id = idOf(one);
  const hex = id.slice(7);
  for (const reference of [
    `${host}/one:1`,
    `${host}/one@${one.manifest.digest}`,
    `${host}/one:1@${one.manifest.digest}`,
    id,
    hex,
    hex.slice(0, 12),
    id.slice(0, 15),
    one.manifest.digest,
  ]) {
    assert.equal((await resolveImage(call, bed.engine, reference)).id, id, reference);
  }
  for (const [reference, message] of [
    [`${host}/one`, `No such image: ${host}/one:latest`],
    ["nope", "No such image: nope:latest"],
    ["f".repeat(64), `No such image: ${"f".repeat(64)}`],
    [`sha256:${"f".repeat(64)}`, `No such image: sha256:${"f".repeat(64)}`],
  ] as const) {
    await assert.rejects(resolveImage(call, bed.engine, reference), { kind: "notFound", message });
  }
  await assert.rejects(resolveImage(testCall({ namespace: "other" }), bed.engine, id), { kind: "notFound" });
});

test("the beginning of two IDs is refused, a name of that form is not", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  const prefixes = new Map<string, string[]>();
  for (let at = 0; at < 40; at++) {
    const image = await fixtureImage({ layers: [{ a: String(at) }] });
    await pullImage(call, bed.engine, { reference: opened.registry.add(`n${at}`, "1", image), unpack: false });
    const digit = idOf(image).slice(7, 8);
    prefixes.set(digit, [...(prefixes.get(digit) ?? []), idOf(image)]);
  }
  const [digit] = [...prefixes].find(([, ids]) => ids.length > 1) ?? assert.fail();
  await assert.rejects(resolveImage(call, bed.engine, digit), {
    kind: "invalidArgument",
    message: `multiple IDs found with provided prefix: ${digit}`,
  });
  await tagImage(call, bed.engine, { source: `${host}/one:1`, target: digit });
  assert.equal((await resolveImage(call, bed.engine, digit)).id, idOf(one));
});

test("images are listed by ID with their names, and filtered", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  await tagImage(call, bed.engine, { source: `${host}/one:1`, target: "other/name" });
  await addContainer(call, bed, one, "exited");
  const list = await listImages(call, bed.engine);
  const summary = list.find(({ id }) => id === idOf(one)) ?? assert.fail();
  assert.equal(list.length, 2);
  assert.deepEqual(summary.repoTags, [`${host}/one:1`, "other/name:latest"]);
  assert.deepEqual(summary.repoDigests, [`${host}/one@${one.manifest.digest}`]);
  assert.deepEqual([summary.containers, summary.labels["fixture"]], [1, "yes"]);
  assert.equal(
    summary.sizeBytes,
    one.blobs.slice(1).reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
  assert.equal(summary.createdAtNs, BigInt(Date.parse("2024-05-06T07:08:09Z")) * 1_000_000n);
  const count = async (filter: Parameters<typeof listImages>[2]) => (await listImages(call, bed.engine, filter)).length;
  assert.equal(await count({ references: [`${host}/*`] }), 2);
  assert.equal(await count({ references: ["other/*"] }), 1);
  assert.equal(await count({ references: ["other/name:nope"] }), 0);
  assert.equal(await count({ labels: ["tier=web"] }), 1);
  assert.equal(await count({ labels: ["fixture", "tier"] }), 0);
  assert.equal(await count({ dangling: true }), 0);
  assert.equal(await count({ beforeNs: summary.createdAtNs ?? 0n }), 0);
  assert.equal(await count({ sinceNs: 0n }), 2);
});

test("an image is inspected with its history and sizes", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  const inspected = await inspectImage(call, bed.engine, `${host}/one:1`);
  const sizes = one.blobs.slice(1).map(({ bytes }) => bytes.length);
  assert.deepEqual(
    inspected.history.map(({ createdBy, sizeBytes }) => [createdBy, sizeBytes]),
    [
      ["ENV A=b", 0],
      ["COPY 0", sizes[0]],
      ["COPY 1", sizes[1]],
    ],
  );
  assert.deepEqual(
    inspected.layers.map(({ descriptor, sizeBytes }) => [descriptor.digest, sizeBytes]),
    one.blobs.slice(1).map(({ digest }, at) => [digest, sizes[at]]),
  );
});

test("tags: bad names are refused, a moved one leaves what it named", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  const tag = async (target: string) => await tagImage(call, bed.engine, { source: `${host}/one:1`, target });
  await assert.rejects(tag("Upper"), { kind: "invalidArgument", message: /must be lowercase/ });
  await assert.rejects(tag(`x@${one.manifest.digest}`), {
    message: "refusing to create a tag with a digest reference",
  });
  await assert.rejects(tagImage(call, bed.engine, { source: "nope", target: "x" }), {
    message: "No such image: nope:latest",
  });
  assert.equal((await tag(`${host}/two:1`)).target.digest, one.manifest.digest);
  assert.ok((await bed.engine.images.list(call)).some(({ name }) => name === `${host}/two@${two.manifest.digest}`));
});

test("a delete takes a name, and with the last one the image", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  const remove = async (reference: string, force = false) => await deleteImage(call, bed.engine, { reference, force });
  await tagImage(call, bed.engine, { source: `${host}/one:1`, target: "more:1" });
  assert.deepEqual(await remove("more:1"), { untagged: ["more:1"], deleted: [] });
  const gone = await remove(`${host}/one:1`);
  assert.deepEqual(gone.untagged, [`${host}/one:1`, `${host}/one@${one.manifest.digest}`]);
  assert.equal(gone.deleted[0], idOf(one));
  assert.equal(gone.deleted.length, 2, "the ID and the layer of its own; the shared one stays");
  assert.equal(await bed.collect(), 4);
  await assert.rejects(remove(`${host}/one:1`), { kind: "notFound", message: `No such image: ${host}/one:1` });
  await tagImage(call, bed.engine, { source: `${host}/two:1`, target: "elsewhere:1" });
  await assert.rejects(remove(idOf(two)), {
    kind: "conflict",
    message: `conflict: unable to delete ${idOf(two).slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
  });
  assert.equal((await remove(idOf(two), true)).untagged.length, 3);
  assert.equal(await bed.collect(), 0);
});

test("an image in use stays", async () => {
  const short = "c".repeat(12);
  const id = idOf(one).slice(7, 19);
  for (const state of ["running", "exited"] as const) {
    await using opened = await openBed();
    const { bed, host } = opened;
    await addContainer(call, bed, one, state);
    const remove = async (reference: string, force = false) =>
      await deleteImage(call, bed.engine, { reference, force });
    await assert.rejects(remove(`${host}/one:1`), {
      kind: "conflict",
      message: `conflict: unable to remove repository reference "${host}/one:1" (must force) - container ${short} is using its referenced image ${id}`,
    });
    const how = state === "running" ? "cannot be forced" : "must be forced";
    const who = state === "running" ? "running" : "stopped";
    await assert.rejects(remove(idOf(one)), {
      message: `conflict: unable to delete ${id} (${how}) - image is being used by ${who} container ${short}`,
    });
    const forced = await remove(`${host}/one:1`, true);
    assert.equal(forced.deleted.length > 0, state === "exited");
    const names = (await bed.engine.images.list(call)).map(({ name }) => name);
    assert.equal(names.includes(`dangling@${one.manifest.digest}` as (typeof names)[number]), state === "running");
    await bed.collect();
    assert.ok(await bed.engine.content.find(call, idOf(one)), "what a container is made from is kept");
  }
});

test("prune takes what dangles, or all that no container uses", async () => {
  await using opened = await openBed();
  const { bed, host, registry } = opened;
  await bed.engine.images.delete(
    call,
    (await bed.engine.images.list(call)).find(({ name }) => name.includes("one@"))?.name ?? assert.fail(),
  );
  const moved = await fixtureImage({ layers: [{ c: "three" }] });
  await pullImage(call, bed.engine, { reference: registry.add("one", "1", moved), unpack: false });
  const pruned = await pruneImages(call, bed.engine, {});
  assert.deepEqual([pruned.untagged, pruned.deleted[0]], [[], idOf(one)]);
  assert.ok(pruned.reclaimedBytes > 0);
  assert.equal((await listImages(call, bed.engine)).length, 2);
  await addContainer(call, bed, two, "exited");
  assert.deepEqual((await pruneImages(call, bed.engine, { all: true, excludeLabels: ["fixture"] })).deleted, []);
  assert.deepEqual((await pruneImages(call, bed.engine, { all: true, untilNs: 1n })).deleted, []);
  assert.deepEqual((await pruneImages(call, bed.engine, { all: true })).deleted[0], idOf(moved));
  assert.deepEqual(
    (await listImages(call, bed.engine)).map(({ repoTags }) => repoTags),
    [[`${host}/two:1`]],
  );
});

test("a push brings what is missing and says so", async () => {
  await using opened = await openBed();
  const { bed, host, registry } = opened;
  const target = `${host}/pushed:1`;
  await tagImage(call, bed.engine, { source: `${host}/one:1`, target });
  const steps: string[] = [];
  const onProgress = ({ t }: { t: string }) => steps.push(t);
  const { digest, tag } = await pushImage(call, bed.engine, { reference: target, onProgress });
  assert.deepEqual([digest, tag], [one.manifest.digest, "1"]);
  assert.deepEqual(steps.filter((step) => step === "mounted").length, 2, "layers come from where they were pulled");
  assert.equal(registry.repository("pushed").manifests.get("1")?.digest, one.manifest.digest);
  await assert.rejects(pushImage(call, bed.engine, { reference: "nope" }), {
    kind: "notFound",
    message: "An image does not exist locally with the tag: nope:latest",
  });
});

test("documents are read and decoded once, and only where the namespace has them", async () => {
  await using opened = await openBed();
  const { bed, host } = opened;
  const { engine } = bed;
  const opens = { count: 0 };
  const content = Object.create(engine.content, {
    open: {
      value: async (...args: Parameters<typeof engine.content.open>) => {
        opens.count++;
        return await engine.content.open(...args);
      },
    },
    get: { value: async (...args: Parameters<typeof engine.content.get>) => await engine.content.get(...args) },
  }) as typeof engine.content;
  const counted = { ...engine, content };
  const first = await listImages(call, counted);
  const before = opens.count;
  assert.deepEqual(await listImages(call, counted), first);
  assert.equal((await resolveImage(call, counted, `${host}/one:1`)).id, idOf(one));
  assert.equal(opens.count, before);
  await engine.content.delete(call, idOf(one));
  await assert.rejects(resolveImage(call, counted, `${host}/one:1`), { kind: "notFound" });
});
