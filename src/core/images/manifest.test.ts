import assert from "node:assert/strict";
import test from "node:test";
import { mediaTypes } from "#core/content/descriptor.ts";
import { decodeImageConfig, layerHistory } from "./image-config.ts";
import { decodeIndex, decodeManifest, maxManifestBytes, selectManifest } from "./manifest.ts";
import { parsePlatform } from "./platform.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const blob = (mediaType: string, digit: string, size: unknown = 1) => ({ mediaType, digest: digest(digit), size });
const manifest = {
  schemaVersion: 2,
  config: blob(mediaTypes.ociConfig, "a"),
  layers: [blob(mediaTypes.ociLayerGzip, "b", 5)],
};
const entry = (architecture: string, digit: string, more: object = {}) => ({
  ...blob(mediaTypes.ociManifest, digit),
  platform: { os: "linux", architecture, ...more },
});
const index = { schemaVersion: 2, manifests: [entry("arm64", "1"), entry("386", "2"), entry("amd64", "3")] };
const host = parsePlatform("linux/amd64", { os: "linux", architecture: "amd64" });

test("a manifest is read", () => {
  assert.deepEqual(decodeManifest(bytes({ ...manifest, annotations: null })), {
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digest("a"), sizeBytes: 1 },
    layers: [{ mediaType: mediaTypes.ociLayerGzip, digest: digest("b"), sizeBytes: 5 }],
    annotations: {},
  });
});

test("bad manifests are refused with the place", () => {
  const table: [document: unknown, why: RegExp, mediaType?: string][] = [
    ["", /^manifest: not JSON$/],
    ["[]", /^manifest: is not an object$/],
    [{ schemaVersion: 1, fsLayers: [] }, /schema 1 is not supported/],
    [manifest, /schema 1 is not supported/, mediaTypes.dockerSchema1Signed],
    [{ ...manifest, schemaVersion: 3 }, /^manifest: schemaVersion: is not 2$/],
    [{ schemaVersion: 2, layers: [] }, /^manifest: config: digest: missing$/],
    [{ ...manifest, manifests: [] }, /^manifest: manifests: is in an index/],
    [{ ...manifest, layers: {} }, /^manifest: layers: is not a list$/],
    [{ ...manifest, layers: [blob("x", "Z")] }, /^manifest: layers\[0\]: digest: is not a digest$/],
    [{ ...manifest, layers: [blob("x", "a", -1)] }, /^manifest: layers\[0\]: size: is not a size$/],
    [{ ...manifest, layers: [blob("x", "a", 1.5)] }, /size: is not a size$/],
    [{ ...manifest, layers: Array(1025).fill(blob("x", "a")) }, /has 1025 members, the limit is 1024/],
    [{ ...manifest, mediaType: mediaTypes.dockerManifest }, /announced as/, mediaTypes.ociManifest],
    [{ ...manifest, mediaType: "text/html" }, /media type text\/html is not supported/],
    [" ".repeat(maxManifestBytes + 1), /the limit is 4194304/],
  ];
  for (const [document, why, mediaType] of table) {
    assert.throws(() => decodeManifest(bytes(document), mediaType), { kind: "invalidArgument", message: why });
  }
});

test("an index with layers is refused", () => {
  assert.throws(() => decodeIndex(bytes({ ...index, layers: [] })), { message: /is in a manifest, not in an index/ });
});

test("the best manifest for the platform is selected", () => {
  const select = (manifests: unknown[], exact = false) =>
    selectManifest(decodeIndex(bytes({ schemaVersion: 2, manifests })), host, { exact }).digest;
  assert.equal(select(index.manifests), digest("3"));
  assert.equal(select(index.manifests.slice(0, 2)), digest("2"));
  const unknown = { ...entry("unknown", "4"), platform: { os: "unknown", architecture: "unknown" } };
  assert.equal(select([unknown, entry("amd64", "3")]), digest("3"));
  assert.equal(select([blob(mediaTypes.ociManifest, "5"), entry("amd64", "3")]), digest("3"));
  assert.equal(select([blob(mediaTypes.ociManifest, "5")]), digest("5"));
  assert.throws(() => select(index.manifests.slice(0, 2), true), {
    kind: "notFound",
    message: "no matching manifest for linux/amd64 in the manifest list entries (there are: linux/arm64, linux/386)",
  });
});

test("an image config is read", () => {
  const config = decodeImageConfig(
    bytes({
      os: "linux",
      architecture: "arm64",
      variant: "v8",
      created: "2024-01-01T00:00:00Z",
      rootfs: { type: "layers", diff_ids: [digest("c")] },
      history: [
        { created_by: "ENV x", empty_layer: true },
        { created_by: "COPY", comment: "c" },
      ],
      config: {
        User: "1:2",
        Env: ["A=b"],
        Entrypoint: null,
        Cmd: ["sh"],
        ExposedPorts: { "80/tcp": {} },
        Volumes: { "/data": {} },
        Labels: { ["__proto__"]: "x" },
        Healthcheck: { Test: ["CMD", "x"], Interval: 2_500_000_000, Retries: 2 },
      },
    }),
  );
  assert.deepEqual(config.platform, { os: "linux", architecture: "arm64" });
  assert.deepEqual(config.config, {
    user: "1:2",
    env: ["A=b"],
    entrypoint: [],
    cmd: ["sh"],
    workingDir: "",
    labels: Object.fromEntries([["__proto__", "x"]]),
    exposedPorts: ["80/tcp"],
    volumes: ["/data"],
    healthcheck: { test: ["CMD", "x"], intervalMs: 2500, retries: 2 },
    shell: [],
    onBuild: [],
    argsEscaped: false,
  });
  assert.deepEqual(layerHistory(config), [{ createdBy: "COPY", comment: "c", emptyLayer: false }]);
});
