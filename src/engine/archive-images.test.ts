import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readTar } from "#base/tar/read-tar.ts";
import { tarFile, tarSymlink, writeTar, type TarItem } from "#base/tar/write-tar.ts";
import { mediaTypes } from "#core/content/descriptor.ts";
import { digestOf, hexOf } from "#core/content/digest.ts";
import { testCall } from "#test/support/call.ts";
import { openImageBed, type ImageBed } from "#test/support/image-engine.ts";
import { descriptorOf, fixtureImage, fixtureIndex, layerTar, type FixtureBlob } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { requireRoot } from "#test/support/require.ts";
import { importImage } from "./import-image.ts";
import { inspectImage } from "./inspect-image.ts";
import { loadImages } from "./load-images.ts";
import { pullImage } from "./pull-image.ts";
import { saveImages } from "./save-images.ts";

const call = testCall();
const image = await fixtureImage({ layers: [{ a: "one" }, { b: "two" }] });
const other = await fixtureImage({ layers: [{ a: "one" }], architecture: "arm64" });

type Files = Readonly<Record<string, string | Buffer>>;

async function* bytes(...chunks: Buffer[]): AsyncGenerator<Uint8Array> {
  // Odd pieces, so that nothing depends on where a stream is cut.
  for (const chunk of chunks) for (let at = 0; at < chunk.length; at += 777) yield chunk.subarray(at, at + 777);
}

async function archive(files: Files, more: TarItem[] = []): Promise<Buffer> {
  const items: TarItem[] = Object.entries(files).map(([name, content]) => {
    const body = Buffer.from(content);
    return { entry: tarFile(name, body.length), body };
  });
  return await gather(writeTar([...items, ...more]));
}

async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function list(tar: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { entry, body } of readTar(bytes(tar))) files.set(entry.name, await gather(body));
  return files;
}

function layout(blobs: readonly FixtureBlob[], manifests: readonly unknown[]): Files {
  return {
    "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
    ...Object.fromEntries(blobs.map((blob) => [`blobs/sha256/${hexOf(blob.digest)}`, blob.bytes])),
    "index.json": JSON.stringify({ schemaVersion: 2, manifests }),
  };
}

async function load(bed: ImageBed, tar: Buffer) {
  return await loadImages(call, bed.engine, { archive: bytes(tar), unpack: false });
}

async function names(bed: ImageBed): Promise<string[]> {
  return (await bed.engine.images.list(call)).map(({ name }) => name);
}

test("what was saved is both formats, and loads as it was", async () => {
  await using registry = await TestRegistry.start();
  await using first = await openImageBed();
  const reference = registry.add("x/y", "1", image);
  await pullImage(call, first.engine, { reference, unpack: false });
  const tar = await gather(
    await saveImages(call, first.engine, { references: [reference, image.blobs[0]?.digest ?? ""] }),
  );
  const files = await list(tar);
  assert.deepEqual(JSON.parse(String(files.get("manifest.json"))), [
    {
      Config: `blobs/sha256/${hexOf(image.blobs[0]?.digest ?? assert.fail())}`,
      RepoTags: [reference],
      Layers: image.blobs.slice(1).map(({ digest }) => `blobs/sha256/${hexOf(digest)}`),
    },
  ]);
  for (const packed of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
    await using second = await openImageBed();
    const loaded = await load(second, packed);
    assert.deepEqual(loaded, [{ imageId: image.blobs[0]?.digest, target: loaded[0]?.target, names: [reference] }]);
    assert.equal(loaded[0]?.target.digest, image.manifest.digest);
    assert.deepEqual(await names(second), [reference]);
    assert.equal(await second.collect(), 4);
  }
});

test("an index is saved whole or as its one platform", async () => {
  await using registry = await TestRegistry.start();
  const index = fixtureIndex([
    { image: other, platform: { os: "linux", architecture: "arm64" } },
    { image, platform: { os: "linux", architecture: "amd64" } },
  ]);
  registry.add("x", "a", image);
  registry.add("x", "b", other);
  const reference = registry.addManifest("x", "both", index);
  for (const allPlatforms of [true, false]) {
    await using first = await openImageBed();
    await pullImage(call, first.engine, { reference, allPlatforms, unpack: false });
    const tar = await gather(await saveImages(call, first.engine, { references: [`${registry.host}/x`] }));
    await using second = await openImageBed();
    const [loaded] = await load(second, tar);
    assert.equal(loaded?.target.digest, allPlatforms ? index.digest : image.manifest.digest);
    assert.equal(await second.collect(), allPlatforms ? 7 : 4);
  }
});

test("an archive of docker's older formats is loaded", async () => {
  const tars = [await layerTar({ a: "one" }), await layerTar({ b: "two" })];
  const [low = Buffer.alloc(0), high = Buffer.alloc(0)] = tars;
  const config = {
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
  };
  const entry = { Config: "c.json", RepoTags: ["old:1", "quay.io/x/old:2"], Layers: ["l1/layer.tar", "l2/layer.tar"] };
  const linked = await archive(
    {
      "l1.tar": low,
      "l2/layer.tar": gzipSync(high),
      "c.json": JSON.stringify(config),
      "manifest.json": JSON.stringify([entry]),
    },
    [{ entry: tarSymlink("l1/layer.tar", "../l1.tar") }],
  );
  const legacy = await archive({
    "./aa/json": JSON.stringify({ id: "aa", os: "linux", architecture: "amd64" }),
    "./aa/layer.tar": low,
    "./aa/VERSION": "1.0",
    "./bb/json": JSON.stringify({
      id: "bb",
      parent: "aa",
      config: { Cmd: ["sh"] },
      container_config: { Cmd: ["COPY"] },
    }),
    "./bb/layer.tar": high,
    "./repositories": JSON.stringify({ old: { "1": "bb" } }),
  });
  for (const [tar, expected] of [
    [linked, ["docker.io/library/old:1", "quay.io/x/old:2"]],
    [legacy, ["docker.io/library/old:1"]],
  ] as const) {
    await using bed = await openImageBed();
    await load(bed, tar);
    assert.deepEqual(await names(bed), expected);
    const { config } = await inspectImage(call, bed.engine, "old:1");
    assert.deepEqual(
      config.diffIds,
      tars.map((tar) => digestOf(tar)),
    );
  }
});

test("an image without a name dangles; a name that is taken moves", async () => {
  await using bed = await openImageBed();
  const blobs = [image.manifest, ...image.blobs];
  const named = { ...descriptorOf(image.manifest), annotations: { "org.opencontainers.image.ref.name": "latest" } };
  await load(bed, await archive(layout(blobs, [named])));
  assert.deepEqual(await names(bed), [`dangling@${image.manifest.digest}`]);
  const annotations = { "io.containerd.image.name": "docker.io/library/x:1" };
  await load(bed, await archive(layout(blobs, [{ ...descriptorOf(image.manifest), annotations }])));
  assert.deepEqual(await names(bed), ["docker.io/library/x:1"]);
  await load(
    bed,
    await archive(layout([other.manifest, ...other.blobs], [{ ...descriptorOf(other.manifest), annotations }])),
  );
  assert.deepEqual(await names(bed), [`dangling@${image.manifest.digest}`, "docker.io/library/x:1"]);
});

test("hostile and broken archives are refused and leave nothing", async () => {
  const blobs = [image.manifest, ...image.blobs];
  const good = await archive(layout(blobs, [descriptorOf(image.manifest)]));
  const layer = image.blobs[1] ?? assert.fail();
  const wrong = blobs.map((blob) => (blob === layer ? { ...blob, bytes: Buffer.from("else") } : blob));
  const dockerArchive = (entry: unknown, files: Files = {}) =>
    archive({ ...files, "manifest.json": JSON.stringify([entry]) });
  const config = JSON.stringify({ rootfs: { diff_ids: [layer.digest] } });
  const table: [name: string, tar: Buffer, kind: string, why: RegExp][] = [
    ["empty", Buffer.alloc(0), "dataLoss", /archive: truncated/],
    ["not a tar", Buffer.alloc(2048, "x"), "dataLoss", /archive: bad number in a header/],
    ["xz", Buffer.from("fd377a585a000000", "hex"), "invalidArgument", /xz compression is not supported/],
    ["truncated", good.subarray(0, good.length - 2500), "dataLoss", /archive: truncated/],
    ["broken gzip", gzipSync(good).subarray(0, 200), "dataLoss", /archive: unexpected end of file/],
    ["no image", await archive({ "etc/passwd": "x" }), "invalidArgument", /no image in it/],
    [
      "wrong digest",
      await archive(layout(wrong, [descriptorOf(image.manifest)])),
      "dataLoss",
      /archive: blobs\/sha256\/[0-9a-f]+: .*expected/,
    ],
    [
      "missing layer",
      await archive(
        layout(
          blobs.filter((blob) => blob !== layer),
          [descriptorOf(image.manifest)],
        ),
      ),
      "notFound",
      /content sha256:[0-9a-f]+: not found/,
    ],
    [
      "missing manifest",
      await archive(layout(image.blobs, [descriptorOf(image.manifest)])),
      "invalidArgument",
      /content sha256:[0-9a-f]+ is missing/,
    ],
    [
      "bad blob name",
      await archive({ "blobs/sha256/../../x": "x", "index.json": "{}" }),
      "invalidArgument",
      /schemaVersion/,
    ],
    [
      "bad name",
      await archive(
        layout(blobs, [{ ...descriptorOf(image.manifest), annotations: { "io.containerd.image.name": "a/B:1" } }]),
      ),
      "invalidArgument",
      /must be lowercase/,
    ],
    [
      "path out",
      await dockerArchive({ Config: "../../etc/passwd", Layers: [] }),
      "invalidArgument",
      /"\.\.\/\.\.\/etc\/passwd" is missing/,
    ],
    [
      "wrong DiffID",
      await dockerArchive({ Config: "c.json", Layers: ["l.tar"] }, { "c.json": config, "l.tar": "other" }),
      "dataLoss",
      /layer "l.tar": DiffID is sha256:[0-9a-f]+, expected sha256:/,
    ],
    [
      "count",
      await dockerArchive({ Config: "c.json", Layers: [] }, { "c.json": config }),
      "invalidArgument",
      /has 0 layers, its config names 1/,
    ],
    [
      "ring",
      await archive({ "a/json": '{"parent":"a"}', repositories: '{"x":{"1":"a"}}' }),
      "invalidArgument",
      /more than 1024 layers/,
    ],
    ["bad json", await archive({ "manifest.json": "{" }), "invalidArgument", /manifest.json: not JSON/],
  ];
  for (const [name, tar, kind, message] of table) {
    await using bed = await openImageBed();
    await assert.rejects(load(bed, tar), { kind, message }, name);
    assert.deepEqual([await names(bed), await bed.ingests(), await bed.collect()], [[], [], 0], name);
  }
});

test("a compressed archive that grows without end is stopped", async () => {
  await using bed = await openImageBed();
  const limited = {
    ...bed.engine,
    settings: { ...bed.engine.settings, layerLimits: { maxUncompressedBytes: 1 << 16, maxEntries: 9 } },
  };
  const bomb = gzipSync(await archive({ "a.tar": Buffer.alloc(1 << 15), b: Buffer.alloc(1 << 20) }));
  await assert.rejects(loadImages(call, limited, { archive: bytes(bomb) }), {
    kind: "resourceExhausted",
    message: /archive: "b": 1048576 bytes, the limit is 65536/,
  });
  const many = gzipSync(
    await archive(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, Buffer.alloc(1 << 15)]))),
  );
  await assert.rejects(loadImages(call, limited, { archive: bytes(many) }), {
    message: /more than 1048576 bytes unpacked/,
  });
});

test("a root file system becomes an image that is unpacked", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openImageBed();
  const tar = await layerTar({ "bin/sh": "#!" });
  const { imageId, name } = await importImage(call, bed.engine, {
    rootfs: bytes(gzipSync(tar)),
    name: "first",
    config: { cmd: ["sh"], env: ["A=b"], exposedPorts: ["80/tcp"] },
  });
  assert.equal(name, "docker.io/library/first:latest");
  const inspected = await inspectImage(call, bed.engine, "first");
  assert.equal(inspected.id, imageId);
  assert.deepEqual(inspected.config.diffIds, [digestOf(tar)]);
  assert.deepEqual(inspected.layers[0]?.descriptor.mediaType, mediaTypes.ociLayer);
  assert.deepEqual([inspected.config.config.cmd, inspected.config.config.env], [["sh"], ["A=b"]]);
  await bed.collect();
  assert.equal((await bed.engine.snapshotters.get("overlayfs")?.list(call))?.length, 1);
});
