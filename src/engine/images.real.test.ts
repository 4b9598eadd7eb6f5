import assert from "node:assert/strict";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import test, { type TestContext } from "node:test";
import { tarFile, writeTar } from "#base/tar/write-tar.ts";
import { parsePlatform } from "#core/images/platform.ts";
import { testCall } from "#test/support/call.ts";
import { startDebianRegistry } from "#test/support/debian-registry.ts";
import { openImageBed } from "#test/support/image-engine.ts";
import {
  descriptorOf,
  fixtureImage,
  fixtureIndex,
  type FixtureBlob,
  type FixtureImage,
} from "#test/support/image-fixture.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { loadImages } from "./load-images.ts";
import { pullImage } from "./pull-image.ts";
import { pushImage } from "./push-image.ts";
import { saveImages } from "./save-images.ts";
import { tagImage } from "./tag-image.ts";

const call = testCall();

function able(t: TestContext): boolean {
  return requireRoot(t) && requireBinary(t, "docker-registry", "skopeo", "openssl", "htpasswd", "curl");
}

/** Writes an OCI layout for skopeo; answers `oci:DIR`. */
async function ociLayout(directory: string, target: FixtureBlob, images: readonly FixtureImage[]): Promise<string> {
  await mkdir(join(directory, "blobs/sha256"), { recursive: true });
  for (const blob of [target, ...images.flatMap(({ manifest, blobs }) => [manifest, ...blobs])]) {
    await writeFile(join(directory, "blobs/sha256", blob.digest.slice(7)), blob.bytes);
  }
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(directory, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(target)] }),
  );
  return `oci:${directory}`;
}

for (const secure of [false, true]) {
  test(`what skopeo pushed to Debian's registry is pulled, pushed back, read by skopeo (${secure ? "TLS, password" : "plain"})`, async (t) => {
    if (!able(t)) return;
    await using registry = await startDebianRegistry({ secure });
    await using directory = await temporaryDirectory("skopeo");
    const certs = join(directory.path, "certs.d", registry.host);
    await mkdir(certs, { recursive: true });
    if (registry.caPath !== undefined) await writeFile(join(certs, "hosts.toml"), `ca = "${registry.caPath}"\n`);
    await using bed = await openImageBed({ hostsDirectories: [join(directory.path, "certs.d")] });
    const auth = { t: "basic", username: registry.username, password: registry.password } as const;
    const access = secure ? { auth } : {};
    const gzip = await fixtureImage({ layers: [{ a: "one" }, { b: "two" }] });
    const zstd = await fixtureImage({ layers: [{ a: "zstd" }], compression: "zstd" });
    const arm = await fixtureImage({ layers: [{ a: "arm" }], architecture: "arm64" });
    const index = fixtureIndex([
      { image: gzip, platform: { os: "linux", architecture: "amd64" } },
      { image: arm, platform: { os: "linux", architecture: "arm64" } },
    ]);
    const source = async (name: string, target: FixtureBlob, images: FixtureImage[]) =>
      await ociLayout(join(directory.path, name), target, images);
    await registry.skopeo("copy", await source("gzip", gzip.manifest, [gzip]), "docker://@/oci:gzip");
    await registry.skopeo("copy", await source("zstd", zstd.manifest, [zstd]), "docker://@/oci:zstd");
    await registry.skopeo(
      "copy",
      "--format=v2s2",
      await source("v2s2", gzip.manifest, [gzip]),
      "docker://@/docker:v2s2",
    );
    await registry.skopeo("copy", "--all", await source("index", index, [gzip, arm]), "docker://@/oci:both");
    for (const name of ["oci:gzip", "oci:zstd", "docker:v2s2", "oci:both"]) {
      const reference = `${registry.host}/${name}`;
      await pullImage(call, bed.engine, { reference, ...access, allPlatforms: name === "oci:both" });
      const target = `${registry.host}/back/${name}`;
      await tagImage(call, bed.engine, { source: reference, target });
      const pushed = await pushImage(call, bed.engine, { reference: target, ...access });
      const inspected: unknown = JSON.parse(await registry.skopeo("inspect", `docker://@/back/${name}`));
      assert.ok(typeof inspected === "object" && inspected !== null && "Digest" in inspected);
      assert.equal(inspected.Digest, pushed.digest, name);
    }
    const raw = await registry.skopeo("inspect", "--raw", "docker://@/back/oci:both");
    assert.equal(raw, index.bytes.toString(), "the index is the same, byte for byte");
    const platform = parsePlatform("linux/arm64", { os: "linux", architecture: "amd64" });
    const pulled = await pullImage(call, bed.engine, {
      reference: `${registry.host}/back/oci:both`,
      platform,
      ...access,
    });
    assert.equal(pulled.manifest.digest, arm.manifest.digest);
    if (secure) {
      const reference = `${registry.host}/oci:gzip`;
      await assert.rejects(pullImage(call, bed.engine, { reference, auth: { ...auth, password: "wrong" } }), {
        kind: "unauthenticated",
        message: /^registry 127\.0\.0\.1:\d+: manifest oci:gzip: unauthorized$/,
      });
      await writeFile(join(certs, "hosts.toml"), `server = "https://${registry.host}"\n`);
      await assert.rejects(pullImage(call, bed.engine, { reference, auth }), {
        kind: "unavailable",
        message: /: manifest oci:gzip: certificate signed by unknown authority$/,
      });
    }
  });
}

test("skopeo reads what was saved, and what skopeo wrote is loaded", async (t) => {
  if (!able(t)) return;
  await using registry = await startDebianRegistry();
  await using directory = await temporaryDirectory("archives");
  await using bed = await openImageBed();
  const image = await fixtureImage({ layers: [{ a: "one" }, { b: "two" }] });
  const layout = await ociLayout(join(directory.path, "layout"), image.manifest, [image]);
  await registry.skopeo("copy", layout, "docker://@/x:1");
  const reference = `${registry.host}/x:1`;
  await pullImage(call, bed.engine, { reference });
  const saved = join(directory.path, "saved.tar");
  const archive = await saveImages(call, bed.engine, { references: [reference] });
  await pipeline(Readable.from(archive, { objectMode: false }), createWriteStream(saved));
  await registry.skopeo("copy", `docker-archive:${saved}`, "docker://@/from-docker:1");
  await registry.skopeo("copy", `oci-archive:${saved}`, "docker://@/from-oci:1");
  const config = await registry.skopeo("inspect", "--config", "--raw", "docker://@/from-docker:1");
  assert.equal(config, image.blobs[0]?.bytes.toString());
  const ociRaw = await registry.skopeo("inspect", "--raw", "docker://@/from-oci:1");
  assert.equal(ociRaw, image.manifest.bytes.toString());
  const written = { docker: join(directory.path, "docker.tar"), oci: join(directory.path, "oci.tar") };
  await registry.skopeo("copy", "docker://@/x:1", `docker-archive:${written.docker}:made/by:skopeo`);
  await registry.skopeo("copy", "docker://@/x:1", `oci-archive:${written.oci}:made/by:skopeo`);
  for (const path of Object.values(written)) {
    await using fresh = await openImageBed();
    const [loaded] = await loadImages(call, fresh.engine, { archive: createReadStream(path) });
    assert.deepEqual([loaded?.imageId, loaded?.names], [image.blobs[0]?.digest, ["made/by:skopeo"]], path);
  }
});

test("a large layer goes through every hand whole", async (t) => {
  if (!able(t)) return;
  await using registry = await startDebianRegistry();
  await using directory = await temporaryDirectory("large");
  await using bed = await openImageBed();
  const image = await fixtureImage({ layers: [{ big: Buffer.alloc(20 << 20, "ferry") }], compression: "none" });
  await registry.skopeo(
    "copy",
    await ociLayout(join(directory.path, "l"), image.manifest, [image]),
    "docker://@/big:1",
  );
  await pullImage(call, bed.engine, { reference: `${registry.host}/big:1` });
  await tagImage(call, bed.engine, { source: `${registry.host}/big:1`, target: `${registry.host}/copy:1` });
  const steps: string[] = [];
  await pushImage(call, bed.engine, { reference: `${registry.host}/copy:1`, onProgress: ({ t }) => steps.push(t) });
  assert.ok(steps.includes("mounted") || steps.includes("pushed") || steps.includes("layerExists"));
  const empty = writeTar([{ entry: tarFile("x", 0) }]);
  await assert.rejects(loadImages(call, bed.engine, { archive: empty }), { message: /no image in it/ });
});
