import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "#core/call.ts";
import { mediaTypes } from "#core/content/descriptor.ts";
import { parsePlatform } from "#core/images/platform.ts";
import { testCall } from "#test/support/call.ts";
import { openImageBed } from "#test/support/image-engine.ts";
import { descriptorOf, fixtureBlob, fixtureImage, fixtureIndex, jsonBlob } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { requireRoot } from "#test/support/require.ts";
import { pullImage, type PullEngine, type PullProgress, type PullRequest } from "./pull-image.ts";

const call = testCall();
/** Without unpacking, which needs root. */
const pull = async (own: Call, engine: PullEngine, request: PullRequest) =>
  await pullImage(own, engine, { unpack: false, ...request });
const plain = await fixtureImage({ layers: [{ "a.txt": "one" }, { "b.txt": "two" }] });
const big = await fixtureImage({ layers: [{ big: Buffer.alloc(600_000, "x") }], compression: "none" });
const blobPath = /^GET \/v2\/x\/blobs\//;

test("an image is pulled, named twice, kept by its name alone, and not fetched again", async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const reference = registry.add("library/x", "1", plain);
  const progress: PullProgress[] = [];
  const pulled = await pull(call, bed.engine, { reference, onProgress: (step) => progress.push(step) });
  assert.deepEqual(
    (await bed.engine.images.list(call)).map(({ name }) => name),
    [reference, `${registry.host}/library/x@${plain.manifest.digest}`].sort(),
  );
  assert.equal(pulled.changed, true);
  assert.equal(pulled.imageId, plain.blobs[0]?.digest);
  assert.deepEqual(progress[0], { t: "resolved", digest: plain.manifest.digest });
  assert.equal(progress.filter(({ t }) => t === "downloadComplete").length, 2);
  assert.equal(await bed.collect(), 4, "manifest, config and layers survive a collection");
  const asked = registry.count(blobPath);
  const again = await pull(call, bed.engine, { reference });
  assert.deepEqual([again.changed, registry.count(blobPath)], [false, asked]);
  for (const { name } of await bed.engine.images.list(call)) await bed.engine.images.delete(call, name);
  assert.equal(await bed.collect(), 0, "nothing is left without a name");
});

test("docker's formats, zstd and plain layers are pulled", async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  for (const compression of ["gzip", "zstd", "none"] as const) {
    const image = await fixtureImage({ layers: [{ a: compression }], format: "docker", compression });
    await pull(call, bed.engine, { reference: registry.add("x", compression, image) });
  }
  assert.equal((await bed.engine.images.list(call)).length, 6);
});

test("the platform is taken from an index, or the one that is asked for, or all", async () => {
  await using registry = await TestRegistry.start();
  const arm = await fixtureImage({ layers: [{ a: "arm" }], architecture: "arm64" });
  const index = fixtureIndex([
    { image: arm, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
    { image: plain, platform: { os: "linux", architecture: "amd64" } },
  ]);
  registry.add("x", "arm", arm);
  registry.add("x", "amd", plain);
  const reference = registry.addManifest("x", "both", index);
  const platform = parsePlatform("linux/arm64", { os: "linux", architecture: "amd64" });
  {
    await using bed = await openImageBed();
    assert.equal((await pull(call, bed.engine, { reference })).manifest.digest, plain.manifest.digest);
    assert.equal(await bed.collect(), 5, "the index, and one platform of it");
    assert.equal((await pull(call, bed.engine, { reference, platform })).manifest.digest, arm.manifest.digest);
    assert.equal(await bed.collect(), 8);
  }
  await using bed = await openImageBed();
  const all = await pull(call, bed.engine, { reference, allPlatforms: true });
  assert.equal(all.manifest.digest, plain.manifest.digest);
  assert.equal(await bed.collect(), 8);
  const riscv = parsePlatform("linux/riscv64", { os: "linux", architecture: "amd64" });
  await assert.rejects(pull(call, bed.engine, { reference, platform: riscv }), {
    kind: "notFound",
    message:
      /no matching manifest for linux\/riscv64 in the manifest list entries \(there are: linux\/arm64, linux\/amd64\)/,
  });
  await assert.rejects(pull(call, bed.engine, { reference: `${registry.host}/x:amd`, platform }), {
    message: /does not match the specified platform: wanted linux\/arm64, actual: linux\/amd64/,
  });
});

test("a broken connection goes on where it broke, by range or from the start", async () => {
  for (const ranges of [true, false]) {
    await using registry = await TestRegistry.start({ ranges });
    await using bed = await openImageBed();
    const layer = big.blobs[1]?.digest ?? "";
    registry.faults.push({ match: new RegExp(layer), act: { t: "cut", afterBytes: 200_000 }, times: 2 });
    await pull(call, bed.engine, { reference: registry.add("x", "1", big) });
    assert.equal(registry.count(new RegExp(`GET .*${layer}`)), 3);
    assert.deepEqual(await bed.ingests(), []);
  }
});

test("a pull that was given up goes on in the next one", async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const reference = registry.add("x", "1", big);
  registry.faults.push({ match: blobPath, act: { t: "slow", pieceBytes: 60_000, pauseMs: 30 }, times: 2 });
  const controller = new AbortController();
  const onProgress = (step: PullProgress) => {
    if (step.t === "downloading" && step.totalBytes > 100_000) controller.abort();
  };
  await assert.rejects(pull(testCall({ signal: controller.signal }), bed.engine, { reference, onProgress }), {
    name: "AbortError",
  });
  assert.equal((await bed.engine.images.list(call)).length, 0);
  await pull(call, bed.engine, { reference });
  assert.deepEqual(await bed.ingests(), []);
});

test("pulls of the same layer share one download, in other namespaces too", async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const reference = registry.add("x", "1", big);
  registry.add("y", "1", big);
  registry.faults.push({ match: /blobs/, act: { t: "slow", pieceBytes: 200_000, pauseMs: 20 }, times: 9 });
  const other = testCall({ namespace: "k8s.io" });
  await Promise.all([
    pull(call, bed.engine, { reference }),
    pull(call, bed.engine, { reference: `${registry.host}/y:1` }),
    pull(other, bed.engine, { reference }),
  ]);
  assert.equal(registry.count(/GET .*\/blobs\//), 2, "config and layer once");
  assert.equal((await bed.engine.images.list(other)).length, 2);
  assert.equal((await bed.engine.content.list(other)).length, 3);
  assert.equal(await bed.collect(), 3);
});

test("no more layers than allowed are on their way at a time", async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const many = await fixtureImage({
    layers: Array.from({ length: 8 }, (_, at) => ({ [`f${at}`]: "x".repeat(50_000) })),
  });
  registry.faults.push({ match: /blobs/, act: { t: "slow", pieceBytes: 100, pauseMs: 5 }, times: 99 });
  await pull(call, bed.engine, { reference: registry.add("x", "1", many) });
  assert.equal(registry.peakBlobs, 3);
});

test("a tag that moved leaves its old image dangling", async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const reference = registry.add("x", "1", plain);
  await pull(call, bed.engine, { reference });
  await bed.engine.images.delete(call, (await bed.engine.images.list(call))[1]?.name ?? assert.fail());
  registry.add("x", "1", big);
  assert.equal((await pull(call, bed.engine, { reference })).changed, true);
  assert.deepEqual(
    (await bed.engine.images.list(call)).map(({ name }) => name),
    [reference, `${registry.host}/x@${big.manifest.digest}`, `dangling@${plain.manifest.digest}`],
  );
  registry.add("x", "1", plain);
  await pull(call, bed.engine, { reference });
  const names = (await bed.engine.images.list(call)).map(({ name }) => name);
  assert.ok(!names.some((name) => name.startsWith("dangling@")), "what has a name again dangles no more");
});

test("what is wrong is refused and leaves no name and no bytes", async () => {
  const single = await fixtureImage({ layers: [{ a: "one" }] });
  const layer = single.blobs[1] ?? assert.fail();
  const table: [name: string, setUp: (registry: TestRegistry) => string, kind: string, why: RegExp][] = [
    ["tag", ({ host }) => `${host}/x:nope`, "notFound", /^registry 127\.0\.0\.1:\d+: manifest x:nope: not found$/],
    [
      "digest",
      (registry) => {
        registry.faults.push({ match: blobPath, act: { t: "corrupt" }, times: 9 });
        return registry.add("x", "1", single);
      },
      "dataLoss",
      /^registry 127\.0\.0\.1:\d+: x: .*digest is sha256:[0-9a-f]+, expected sha256:/,
    ],
    [
      "size",
      (registry) => {
        const reference = registry.add("x", "1", single);
        registry
          .repository("x")
          .blobs.set(layer.digest, { ...layer, bytes: Buffer.concat([layer.bytes, layer.bytes]) });
        return reference;
      },
      "dataLoss",
      /longer than the \d+ bytes its manifest says/,
    ],
    [
      "truncated",
      (registry) => {
        const reference = registry.add("x", "1", single);
        registry.repository("x").blobs.set(layer.digest, { ...layer, bytes: layer.bytes.subarray(0, 40) });
        return reference;
      },
      "unavailable",
      /blob sha256:[0-9a-f]+ of x: connection ended early after 40 of \d+ bytes/,
    ],
    [
      "schema 1",
      (registry) => {
        const schema1 = Buffer.from(JSON.stringify({ schemaVersion: 1, name: "x", fsLayers: [] }));
        return registry.addManifest("x", "1", fixtureBlob(mediaTypes.dockerSchema1Signed, schema1));
      },
      "invalidArgument",
      /Docker image manifest schema 1 is not supported/,
    ],
    [
      "artifact",
      (registry) => {
        const config = { mediaType: "application/vnd.cncf.helm.config.v1+json", digest: layer.digest, size: 1 };
        return registry.addManifest(
          "x",
          "1",
          jsonBlob(mediaTypes.ociManifest, { schemaVersion: 2, config, layers: [] }),
        );
      },
      "invalidArgument",
      /unsupported media type application\/vnd\.cncf\.helm\.config\.v1\+json/,
    ],
    [
      "unreachable",
      () => "127.0.0.1:1/x:1",
      "unavailable",
      /^registry 127\.0\.0\.1:1: manifest x:1: connection refused$/,
    ],
    [
      "unknown host",
      () => "registry.invalid/x:1",
      "unavailable",
      /^registry registry\.invalid: manifest x:1: (no such host|name lookup failed)$/,
    ],
    ["reference", () => "Nginx", "invalidArgument", /repository name must be lowercase/],
  ];
  for (const [name, setUp, kind, message] of table) {
    await using registry = await TestRegistry.start();
    await using bed = await openImageBed();
    await assert.rejects(pull(call, bed.engine, { reference: setUp(registry) }), { kind, message }, name);
    assert.deepEqual(await bed.engine.images.list(call), [], name);
    if (name !== "truncated") assert.deepEqual(await bed.ingests(), [], name);
    assert.equal(await bed.collect(), 0, name);
  }
});

// Nobody waits for the other layer: at its pace it would take four hours.
test("a failure of one layer ends the others", { timeout: 300_000 }, async () => {
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const image = await fixtureImage({ layers: [{ a: "a" }, { b: Buffer.alloc(300_000) }], compression: "none" });
  const [, first, second] = image.blobs;
  registry.faults.push({ match: new RegExp(`GET .*${first?.digest}`), act: { t: "status", status: 403 }, times: 9 });
  registry.faults.push({
    match: new RegExp(`GET .*${second?.digest}`),
    act: { t: "slow", pieceBytes: 1, pauseMs: 50 },
  });
  await assert.rejects(pull(call, bed.engine, { reference: registry.add("x", "1", image) }), {
    kind: "permissionDenied",
    message: /^registry 127\.0\.0\.1:\d+: blob sha256:[0-9a-f]+ of x: access denied$/,
  });
});

test("layers are unpacked as they come, and the snapshot lives as long as the image", async (t) => {
  if (!requireRoot(t)) return;
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const progress: string[] = [];
  const onProgress = (step: PullProgress) => progress.push(step.t);
  await pullImage(call, bed.engine, { reference: registry.add("x", "1", plain), onProgress });
  assert.deepEqual(progress.filter((step) => step === "pullComplete").length, 2);
  const overlay = bed.engine.snapshotters.get("overlayfs") ?? assert.fail();
  await bed.collect();
  assert.equal((await overlay.list(call)).length, 2);
  for (const { name } of await bed.engine.images.list(call)) await bed.engine.images.delete(call, name);
  await bed.collect();
  assert.deepEqual(await overlay.list(call), []);
});

test("a layer that is not what its DiffID says is refused", async (t) => {
  if (!requireRoot(t)) return;
  await using registry = await TestRegistry.start();
  await using bed = await openImageBed();
  const other = await fixtureImage({ layers: [{ a: "other" }, { b: "layers" }] });
  const wrong = await fixtureImage({
    layers: [{ a: "one" }, { b: "two" }],
    manifest: { layers: other.blobs.slice(1).map(descriptorOf) },
  });
  registry.add("x", "other", other);
  await assert.rejects(pullImage(call, bed.engine, { reference: registry.add("x", "1", wrong) }), {
    kind: "dataLoss",
    message: /DiffID/i,
  });
  assert.deepEqual(await bed.engine.images.list(call), []);
  assert.equal(await bed.collect(), 0);
});
