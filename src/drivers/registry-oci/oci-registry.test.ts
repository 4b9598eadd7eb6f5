import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlobReader } from "#core/content/content-store.ts";
import { parseReference } from "#core/images/reference.ts";
import type { RegistryAuth } from "#core/registry/registry.ts";
import { testCall } from "#test/support/call.ts";
import { quickRegistry } from "#test/support/image-engine.ts";
import { fixtureImage, type FixtureBlob } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import type { TestFault } from "#test/support/registry-faults.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { OciRegistry } from "./oci-registry.ts";
import type { RegistryConfig } from "./registry-config.ts";

const call = testCall();
const image = await fixtureImage({ layers: [{ a: "a".repeat(1000) }], compression: "none" });
const layer = image.blobs[1] ?? assert.fail();
const auth = { t: "basic", username: "me", password: "secret-word" } as const;

function open(config: Partial<RegistryConfig> = {}) {
  return new OciRegistry({ ...quickRegistry, ...config });
}

async function pull(registry: OciRegistry, reference: string, access: { auth?: RegistryAuth } = {}): Promise<Buffer> {
  const parsed = parseReference(reference);
  await registry.resolve(call, parsed, access);
  const { body } = await registry.fetch(call, parsed, descriptor(layer), access);
  return await all(body);
}

async function all(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function descriptor({ mediaType, digest, bytes }: FixtureBlob) {
  return { mediaType, digest, sizeBytes: bytes.length };
}

function reader(bytes: Buffer): BlobReader {
  return {
    sizeBytes: bytes.length,
    path: "",
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    stream: ({ start = 0, end = bytes.length } = {}) =>
      Readable.from([bytes.subarray(start, end)], { objectMode: false }),
    [Symbol.asyncDispose]: async () => {},
  };
}

test("basic and token authentication, with credentials from the caller", async () => {
  for (const t of ["basic", "bearer"] as const) {
    await using server = await TestRegistry.start({ auth: { ...auth, t } });
    using registry = open();
    const reference = server.add("a/b", "1", image);
    assert.deepEqual(await pull(registry, reference, { auth }), layer.bytes);
    await assert.rejects(pull(registry, reference, { auth: { ...auth, password: "wrong" } }), {
      kind: "unauthenticated",
      message: /^registry 127\.0\.0\.1:\d+: .*unauthorized(: incorrect username or password)?$/,
    });
    await assert.rejects(pull(registry, reference), {
      kind: "unauthenticated",
      message: /: manifest a\/b:1: repository does not exist or may require a login: unauthorized$/,
    });
  }
});

test("a token is fetched once for its scope, anonymously where that is enough", async () => {
  await using server = await TestRegistry.start({ auth: { ...auth, t: "bearer" }, publicPull: true });
  using registry = open();
  const reference = server.add("a/b", "1", image);
  await pull(registry, reference);
  await pull(registry, reference);
  assert.deepEqual(server.tokens, ["anonymous repository:a/b:pull"]);
});

test("an identity token is exchanged by POST, a login asks for one", async () => {
  await using server = await TestRegistry.start({ auth: { ...auth, t: "bearer" } });
  using registry = open();
  const reference = server.add("a/b", "1", image);
  const { identityToken = "" } = await registry.login(call, server.host, auth);
  assert.equal(identityToken, "refresh-me");
  await pull(registry, reference, { auth: { t: "identity", token: identityToken } });
  assert.deepEqual(server.tokens.at(-1), "refresh-me repository:a/b:pull");
  await assert.rejects(registry.login(call, server.host, { ...auth, password: "wrong" }), { kind: "unauthenticated" });
});

test("credentials come from docker's configuration: auths, helpers, a store", async () => {
  await using server = await TestRegistry.start({ auth: { ...auth, t: "basic" } });
  await using directory = await temporaryDirectory("credentials");
  const reference = server.add("a/b", "1", image);
  const helper = join(directory.path, "docker-credential-ferrytest");
  const answer = `{"ServerURL":"x","Username":"${auth.username}","Secret":"${auth.password}"}`;
  await writeFile(
    helper,
    `#!/bin/sh\nread server\n[ "$server" = "${server.host}" ] || { echo "credentials not found in native keychain"; exit 1; }\necho '${answer}'\n`,
  );
  await chmod(helper, 0o755);
  process.env["PATH"] = `${directory.path}:${process.env["PATH"]}`;
  const packed = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
  const path = join(directory.path, "config.json");
  const configs = [
    { auths: { [server.host]: { auth: packed } } },
    { auths: { [`http://${server.host}/v1/`]: { auth: packed } } },
    { auths: { [server.host]: { username: auth.username, password: auth.password } } },
    { credHelpers: { [server.host]: "ferrytest" } },
    { credsStore: "ferrytest", auths: { [server.host]: {} } },
  ];
  for (const config of configs) {
    await writeFile(path, JSON.stringify(config));
    using registry = open({ dockerConfigPaths: [join(directory.path, "missing.json"), path] });
    assert.deepEqual(await pull(registry, reference), layer.bytes, JSON.stringify(config));
  }
  await writeFile(path, JSON.stringify({ credHelpers: { [server.host]: "notthere" } }));
  using registry = open({ dockerConfigPaths: [path] });
  await assert.rejects(pull(registry, reference), {
    kind: "unauthenticated",
    message: /docker-credential-notthere: is not installed$/,
  });
});

test("errors name host and step and no secret", async () => {
  await using server = await TestRegistry.start({ auth: { ...auth, t: "bearer" } });
  using registry = open();
  const reference = server.add("a/b", "1", image);
  const error: unknown = await pull(registry, reference, { auth: { ...auth, password: "guess-me" } }).catch(
    (e: unknown) => e,
  );
  const text = `${String(error)} ${JSON.stringify(error)}`;
  assert.match(
    text,
    new RegExp(`registry ${server.host}: token from ${server.host} for repository:a/b:pull: unauthorized`),
  );
  assert.doesNotMatch(text, /guess-me|Z3Vlc3MtbWU/);
});

test("what may pass is tried again, within bounds, and Retry-After is kept", async () => {
  const cases: [faults: TestFault[], outcome: "ok" | RegExp][] = [
    [[{ match: /HEAD/, act: { t: "status", status: 503 }, times: 3 }], "ok"],
    [[{ match: /blobs/, act: { t: "status", status: 429, headers: { "retry-after": "1" } } }], "ok"],
    [[{ match: /HEAD/, act: { t: "status", status: 503 }, times: 4 }], /: manifest a\/b:1: status 503$/],
    [
      [{ match: /HEAD/, act: { t: "status", status: 429, headers: { "retry-after": "3600" } } }],
      /: manifest a\/b:1: too many requests \(retry after 3600\)$/,
    ],
    [[{ match: /HEAD/, act: { t: "status", status: 403 } }], /: manifest a\/b:1: access denied$/],
  ];
  for (const [faults, outcome] of cases) {
    await using server = await TestRegistry.start();
    using registry = open();
    server.faults.push(...faults);
    const pulled = pull(registry, server.add("a/b", "1", image));
    if (outcome === "ok") assert.deepEqual(await pulled, layer.bytes);
    else await assert.rejects(pulled, { message: outcome });
  }
});

test("a host that says nothing is given up", async () => {
  await using server = await TestRegistry.start();
  using registry = open({ idleTimeoutMs: 200 });
  server.faults.push({ match: /manifests/, act: { t: "hang" }, times: 9 });
  await assert.rejects(registry.resolve(call, parseReference(server.add("a/b", "1", image)), {}), {
    kind: "unavailable",
    message: /: manifest a\/b:1: no data for 200 ms$/,
  });
});

test("registries without HEAD, without a digest header", async () => {
  for (const options of [{ headManifests: false }, { digestHeader: false }]) {
    await using server = await TestRegistry.start(options);
    using registry = open();
    const resolved = await registry.resolve(call, parseReference(server.add("a/b", "1", image)), {});
    assert.deepEqual(resolved, descriptor(image.manifest));
  }
});

test("a digest reference that resolves to something else is refused", async () => {
  await using server = await TestRegistry.start();
  using registry = open();
  server.add("a/b", "1", image);
  server.repository("a/b").manifests.set(layer.digest, image.manifest);
  await assert.rejects(registry.resolve(call, parseReference(`${server.host}/a/b@${layer.digest}`), {}), {
    kind: "dataLoss",
    message: /manifest a\/b@sha256:[0-9a-f]+: digest is sha256:[0-9a-f]+, expected sha256:/,
  });
});

test("a redirected blob is fetched without the credentials", async () => {
  await using storage = await TestRegistry.start();
  storage.add("a/b", "1", image);
  await using server = await TestRegistry.start({ auth: { ...auth, t: "basic" }, redirectBlobs: storage.origin });
  using registry = open();
  assert.deepEqual(await pull(registry, server.add("a/b", "1", image), { auth }), layer.bytes);
  assert.deepEqual(storage.authorizations, [""]);
  assert.ok(server.authorizations.some((header) => header.startsWith("Basic ")));
});

test("a range is resumed, refused ranges begin anew", async () => {
  for (const [ranges, offset] of [
    [true, 100],
    [false, 0],
  ] as const) {
    await using server = await TestRegistry.start({ ranges });
    using registry = open();
    const reference = parseReference(server.add("a/b", "1", image));
    const answer = await registry.fetch(call, reference, descriptor(layer), { offset: 100 });
    assert.equal(answer.offset, offset);
    assert.deepEqual(await all(answer.body), layer.bytes.subarray(offset));
  }
});

test("mirrors are asked in order, then the registry itself", async () => {
  await using dead = await TestRegistry.start();
  await using mirror = await TestRegistry.start();
  await using server = await TestRegistry.start();
  await using directory = await temporaryDirectory("hosts");
  await mkdir(join(directory.path, server.host));
  const hosts = [
    `server = "${server.origin}"`,
    `[host."${dead.origin}"]`,
    `[host."${mirror.origin}/proxy/v2"]\noverride_path = true\ncapabilities = ["pull"]\n[host."${mirror.origin}/proxy/v2".header]\nx-ferry = "yes"`,
  ];
  await writeFile(join(directory.path, server.host, "hosts.toml"), hosts.join("\n"));
  dead.faults.push({ match: /./, act: { t: "status", status: 500 }, times: 99 });
  const reference = server.add("a/b", "1", image);
  using registry = open({ hostsDirectories: [directory.path] });
  assert.deepEqual(await pull(registry, reference), layer.bytes);
  assert.ok(dead.count(/HEAD \/v2\/a\/b\/manifests\/1/) > 0);
  assert.equal(mirror.count(/manifests/), 0, "a mirror that may not resolve is not asked to");
  assert.equal(mirror.count(/GET \/proxy\/v2\/a\/b\/blobs/), 1);
  assert.equal(server.count(/GET \/v2\/a\/b\/blobs/), 1);
  server.faults.push({ match: /./, act: { t: "status", status: 403 }, times: 99 });
  await assert.rejects(pull(registry, reference), {
    message:
      /^registry 127\.0\.0\.1:\d+: manifest a\/b:1: access denied \(before that: registry 127\.0\.0\.1:\d+: .*status 500\)$/,
  });
});

test("a blob is uploaded once, mounted where the host has it, and not sent when it is there", async () => {
  await using server = await TestRegistry.start({ auth: { ...auth, t: "bearer" } });
  using registry = open();
  server.add("from", "1", image);
  const push = async (path: string, mountFrom: string[] = []) =>
    await registry.pushBlob(call, parseReference(`${server.host}/${path}:1`), descriptor(layer), reader(layer.bytes), {
      auth,
      mountFrom,
    });
  assert.equal(await push("to"), "uploaded");
  assert.equal(await push("to"), "existed");
  assert.equal(await push("second", ["to"]), "mounted");
  assert.equal(await push("third", ["nowhere"]), "uploaded");
  assert.ok(server.tokens.includes("basic repository:second:pull,push repository:to:pull"));
  const target = parseReference(`${server.host}/to:1`);
  await registry.pushManifest(call, target, descriptor(image.manifest), image.manifest.bytes, { auth });
  assert.equal(server.repository("to").manifests.get("1")?.digest, image.manifest.digest);
});

test("an upload that breaks goes on in chunks", async () => {
  await using server = await TestRegistry.start();
  using registry = open();
  const bytes = Buffer.alloc(40 << 20, "abc");
  const [blob] = (await fixtureImage({ layers: [{ x: bytes }], compression: "none" })).blobs.slice(1);
  if (blob === undefined) return assert.fail();
  server.faults.push({ match: /^PUT .*uploads/, act: { t: "status", status: 413 } });
  server.faults.push({ match: /^PATCH /, act: { t: "status", status: 500 } });
  const target = parseReference(`${server.host}/a/b:1`);
  assert.equal(await registry.pushBlob(call, target, descriptor(blob), reader(blob.bytes), {}), "uploaded");
  assert.equal(server.count(/^PATCH /), 4, "three chunks and the one that failed");
  assert.deepEqual(server.repository("a/b").blobs.get(blob.digest)?.bytes.equals(blob.bytes), true);
});

test("an aborted call ends a request at once", async () => {
  await using server = await TestRegistry.start();
  using registry = open();
  server.faults.push({ match: /manifests/, act: { t: "hang" }, times: 9 });
  const reference = parseReference(server.add("a/b", "1", image));
  await assert.rejects(registry.resolve(testCall({ signal: AbortSignal.timeout(50) }), reference, {}), {
    name: /AbortError|TimeoutError/,
  });
});

test("a body that breaks before anybody reads it fails its reader and nobody else", async () => {
  await using server = await TestRegistry.start();
  using registry = open();
  const reference = parseReference(server.add("a/b", "1", image));
  server.faults.push({ match: /blobs/, act: { t: "cut", afterBytes: 10 } });
  const cut = await registry.fetch(call, reference, descriptor(layer), {});
  await sleep(100);
  await assert.rejects(all(cut.body), { code: "ECONNRESET" });
  const controller = new AbortController();
  server.faults.push({ match: /blobs/, act: { t: "slow", pieceBytes: 10, pauseMs: 10 } });
  const aborted = await registry.fetch(testCall({ signal: controller.signal }), reference, descriptor(layer), {});
  controller.abort();
  await sleep(50);
  await assert.rejects(all(aborted.body));
});
