import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { startDebianRegistry, type DebianRegistry } from "#test/support/debian-registry.ts";
import { openDockerEngine } from "#test/support/docker-engine.ts";
import { FerryBed, runToEnd } from "#test/support/ferry-bed.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { freePort, imageLayout } from "#test/support/test-images.ts";

/** Pushed by skopeo: name, its media types, and whether this machine can run it. */
const pushed = [
  { name: "oci:gzip", manifest: /^$|vnd\.oci\.image\.manifest/, layer: /oci.*tar\+gzip$/ },
  { name: "oci:zstd", manifest: /^$|vnd\.oci\.image\.manifest/, layer: /oci.*tar\+zstd$/ },
  { name: "oci:plain", manifest: /^$|vnd\.oci\.image\.manifest/, layer: /oci.*\.tar$/ },
  {
    name: "docker:v2s2",
    manifest: /docker\.distribution\.manifest\.v2/,
    layer: /docker\.image\.rootfs\.diff\.tar\.gzip$/,
  },
] as const;

function able(t: TestContext): boolean {
  return (
    requireRoot(t) && requireBinary(t, "docker-registry", "skopeo", "umoci", "openssl", "htpasswd", "curl", "conmon")
  );
}

for (const secure of [false, true]) {
  test(`Debian's registry (${secure ? "TLS, password" : "plain"}): pulled, run, pushed back, read by skopeo`, async (t) => {
    if (!able(t)) return;
    await using registry = await startDebianRegistry({ secure });
    await using directory = await temporaryDirectory("skopeo");
    await using ferry = await FerryBed.open();
    await pushAll(registry, directory.path);
    if (secure) await logIn(ferry, registry);
    // First, while nothing of the other platform is there: where both are, this machine's is shown.
    const both = `${registry.host}/oci:both`;
    const format = ["--format", "{{.Architecture}}"];
    await ferry.run("pull", "-q", "--platform", "linux/arm64", both);
    assert.equal(await ferry.run("image", "inspect", ...format, both), "arm64");
    await ferry.run("pull", "-q", both);
    assert.equal(await ferry.run("image", "inspect", ...format, both), "amd64");
    for (const { name, manifest, layer } of pushed) {
      const raw = JSON.parse(await registry.skopeo("inspect", "--raw", `docker://@/${name}`)) as RawManifest;
      assert.match(raw.mediaType ?? "", manifest, name);
      assert.match(raw.layers?.[0]?.mediaType ?? "", layer, name);
      await ferry.run("pull", "-q", `${registry.host}/${name}`);
      assert.equal(await ferry.run("run", "--rm", `${registry.host}/${name}`, "echo", "it runs"), "it runs");
      await pushBack(ferry, registry, name);
    }
    assert.equal(await ferry.run("run", "--rm", both, "echo", "it runs"), "it runs");
    await ferry.run("pull", "-q", "--all-platforms", both);
    await ferry.run("tag", both, `${registry.host}/back/oci:both`);
    await ferry.run("push", "-q", `${registry.host}/back/oci:both`);
    const [before, after] = await Promise.all(
      ["oci:both", "back/oci:both"].map(
        async (name) => await registry.skopeo("inspect", "--raw", `docker://@/${name}`),
      ),
    );
    assert.equal(after, before, "the index is the same, byte for byte");
  });
}

test("what goes wrong with a registry is one line that says where, and a next step", async (t) => {
  if (!able(t)) return;
  await using registry = await startDebianRegistry({ secure: true });
  await using directory = await temporaryDirectory("skopeo");
  await using ferry = await FerryBed.open();
  const layout = await imageLayout(directory.path);
  await registry.skopeo("copy", `oci:${layout}:small`, "docker://@/oci:gzip");
  const { host } = registry;
  const anonymous = await ferry.ferry(["pull", `${host}/oci:gzip`]);
  assert.deepEqual(anonymous, {
    code: 1,
    stdout: "",
    stderr:
      `Error response from daemon: pull access denied for ${host}/oci, ` +
      `repository does not exist or may require 'docker login': registry ${host}: manifest oci:gzip: unauthorized\n` +
      `  log in: ferry login ${host}\n`,
  });
  const login = ["login", "-u", registry.username, "--password-stdin", host];
  const wrong = await ferry.ferry(login, { stdin: "guess" });
  assert.deepEqual([wrong.code, wrong.stdout], [1, ""]);
  assert.match(
    wrong.stderr,
    new RegExp(`^Error response from daemon: registry ${host}: login: unauthorized.*\n  check .*\n$`),
  );
  await logIn(ferry, registry);
  const unknown = await ferry.ferry(["pull", `${host}/oci:nosuch`]);
  assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
  assert.match(
    unknown.stderr,
    new RegExp(`^Error response from daemon: registry ${host}: manifest oci:nosuch: not found\n  .+\n$`),
  );
  const port = await freePort();
  const unreachable = await ferry.ferry(["run", `127.0.0.1:${port}/x:1`]);
  assert.deepEqual([unreachable.code, unreachable.stdout], [125, ""]);
  assert.match(
    unreachable.stderr,
    new RegExp(`Error response from daemon: registry 127.0.0.1:${port}: manifest x:1: connection refused\n  .+\n$`),
  );
  assert.equal(await ferry.run("images", "-q"), "");
  assert.ok(!(await ferry.log()).includes(registry.password), "no credentials in the log");
});

test("docker load and skopeo read what ferry save wrote; ferry loads what docker save wrote", async (t) => {
  if (!able(t) || !requireBinary(t, "dockerd", "docker", "containerd", "runc")) return;
  await using registry = await startDebianRegistry();
  await using directory = await temporaryDirectory("skopeo");
  await using ferry = await FerryBed.open();
  const layout = await imageLayout(directory.path);
  const reference = `${registry.host}/busybox:1`;
  await registry.skopeo("copy", `oci:${layout}:layered`, "docker://@/busybox:1");
  await ferry.run("pull", "-q", reference);
  const at = (name: string) => join(directory.path, name);
  await ferry.run("save", "-o", at("saved.tar"), reference);
  const config = await configDigest(registry, "busybox:1");
  await registry.skopeo("copy", `docker-archive:${at("saved.tar")}`, "docker://@/from-docker-archive:1");
  assert.equal(await configDigest(registry, "from-docker-archive:1"), config);
  await registry.skopeo("copy", `oci-archive:${at("saved.tar")}`, "docker://@/from-oci-archive:1");
  assert.equal(await configDigest(registry, "from-oci-archive:1"), config);

  const engine = await openDockerEngine();
  if (engine.host === undefined) return t.skip(`dockerd does not run here: ${engine.why}`);
  await using docker = engine;
  const env = { ...process.env, DOCKER_HOST: docker.host };
  assert.match(await command(["docker", "load", "-i", at("saved.tar")], env), new RegExp(`Loaded image: ${reference}`));
  const id = await command(["docker", "image", "inspect", "-f", "{{.Id}}", reference], env);
  assert.equal(id.trim(), config);
  const words = ["docker", "run", "--rm", "--network", "none", reference, "cat", "/etc/third"];
  assert.deepEqual(await runToEnd(words, { env }), { code: 0, stdout: "third\n", stderr: "" });

  await command(["docker", "tag", reference, "loaded/by-ferry:1"], env);
  await command(["docker", "save", "-o", at("docker.tar"), "loaded/by-ferry:1"], env);
  assert.match(await ferry.run("load", "-i", at("docker.tar")), /Loaded image: loaded\/by-ferry:1/);
  assert.equal(await ferry.run("run", "--rm", "loaded/by-ferry:1", "cat", "/etc/third"), "third");
  assert.equal(await ferry.run("image", "inspect", "-f", "{{.Id}}", "loaded/by-ferry:1"), config);
});

type RawManifest = {
  mediaType?: string;
  config?: { digest: string };
  layers?: { mediaType: string }[];
};

async function pushAll(registry: DebianRegistry, directory: string): Promise<void> {
  const layout = await imageLayout(directory);
  await registry.skopeo("copy", `oci:${layout}:small`, "docker://@/oci:gzip");
  await registry.skopeo("copy", "--format=v2s2", `oci:${layout}:small`, "docker://@/docker:v2s2");
  const [plain, zstd] = [`dir:${join(directory, "plain")}`, `dir:${join(directory, "zstd")}`];
  await command(["skopeo", "copy", "-q", "--dest-decompress", `oci:${layout}:small`, plain]);
  const compress = ["--dest-compress", "--dest-compress-format=zstd"];
  await command(["skopeo", "copy", "-q", ...compress, plain, zstd]);
  // Otherwise skopeo takes the gzip'd layer that is there already in place of the same one compressed otherwise.
  await registry.skopeo("copy", "--preserve-digests", plain, "docker://@/oci:plain");
  await registry.skopeo("copy", "--preserve-digests", zstd, "docker://@/oci:zstd");
  await command(["umoci", "tag", "--image", `${layout}:small`, "arm"]);
  await command(["umoci", "config", "--image", `${layout}:arm`, "--architecture", "arm64"]);
  await writeIndex(layout);
  await registry.skopeo("copy", "--all", `oci:${layout}:both`, "docker://@/oci:both");
}

/** Adds the index `both` of the images `small` and `arm` to a layout. */
async function writeIndex(layout: string): Promise<void> {
  type Entry = { mediaType?: string; digest?: string; size?: number; annotations?: Record<string, string> };
  const path = join(layout, "index.json");
  const top = JSON.parse(await readFile(path, "utf8")) as { manifests: Entry[] };
  const tag = "org.opencontainers.image.ref.name";
  const manifests = ["small", "arm"].map((name) => {
    const { mediaType, digest, size } = top.manifests.find((entry) => entry.annotations?.[tag] === name) ?? {};
    return { mediaType, digest, size, platform: { os: "linux", architecture: name === "arm" ? "arm64" : "amd64" } };
  });
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const hash = createHash("sha256").update(index).digest("hex");
  await writeFile(join(layout, "blobs/sha256", hash), index);
  const entry = { mediaType, digest: `sha256:${hash}`, size: index.length, annotations: { [tag]: "both" } };
  await writeFile(path, JSON.stringify({ ...top, manifests: [...top.manifests, entry] }));
}

async function logIn(ferry: FerryBed, registry: DebianRegistry): Promise<void> {
  await mkdir(join(ferry.certificates, registry.host), { recursive: true });
  await writeFile(join(ferry.certificates, registry.host, "hosts.toml"), `ca = "${registry.caPath}"\n`);
  const words = ["login", "-u", registry.username, "--password-stdin", registry.host];
  const { code, stderr } = await ferry.ferry(words, { stdin: registry.password });
  assert.equal(code, 0, stderr);
}

async function pushBack(ferry: FerryBed, registry: DebianRegistry, name: string): Promise<void> {
  const target = `${registry.host}/back/${name}`;
  await ferry.run("tag", `${registry.host}/${name}`, target);
  await ferry.run("push", "-q", target);
  assert.equal(await configDigest(registry, `back/${name}`), await configDigest(registry, name), name);
  const inspected = JSON.parse(await registry.skopeo("inspect", `docker://@/back/${name}`)) as { Digest: string };
  const known = JSON.parse(await ferry.run("image", "inspect", "-f", "{{json .RepoDigests}}", target)) as string[];
  const repository = target.slice(0, target.lastIndexOf(":"));
  assert.ok(known.includes(`${repository}@${inspected.Digest}`), `${name}: ${inspected.Digest} in ${known.join(" ")}`);
}

async function configDigest(registry: DebianRegistry, name: string): Promise<string | undefined> {
  return (JSON.parse(await registry.skopeo("inspect", "--raw", `docker://@/${name}`)) as RawManifest).config?.digest;
}
