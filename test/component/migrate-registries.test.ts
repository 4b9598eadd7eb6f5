import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test from "node:test";
import { convert } from "#migrate/convert/convert.ts";
import { containerdSpec, ferrySpec, type TargetSpec } from "#migrate/convert/target-spec.ts";
import { makeCa } from "../support/certificates.ts";
import { containerdBinary, runContainerd } from "../support/containerd.ts";
import { fixtureImage } from "../support/image-fixture.ts";
import { command, startDaemon, unmountBelow } from "../support/processes.ts";
import { TestRegistry } from "../support/registry.ts";
import { requireBinary, requireRoot } from "../support/require.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

type Mirror = {
  readonly registry: TestRegistry;
  readonly settings: object;
  readonly files: Readonly<Record<string, string>>;
};

/** Mirrors of Docker Hub as Docker is told of them: plain, TLS that nobody trusts, TLS with a CA and a client's pair. */
async function openMirrors(directory: string, stack: AsyncDisposableStack): Promise<Mirror[]> {
  const { ca, issue } = await makeCa(directory);
  const [server, client] = [await issue("server"), await issue("client")];
  const image = await fixtureImage({ layers: [{ "hello.txt": "hello" }] });
  const open = async (tls?: { key: string; cert: string; ca?: string }) => {
    const registry = stack.use(await TestRegistry.start(tls === undefined ? {} : { tls }));
    registry.add("library/app", "1", image);
    return registry;
  };
  const [plain, insecure, trusted] = [await open(), await open(server), await open({ ...server, ca: ca.cert })];
  const certs = `/etc/docker/certs.d/${trusted.host}`;
  return [
    { registry: plain, settings: { "registry-mirrors": [plain.origin] }, files: {} },
    {
      registry: insecure,
      settings: { "registry-mirrors": [insecure.origin], "insecure-registries": [insecure.host] },
      files: {},
    },
    {
      registry: trusted,
      settings: { "registry-mirrors": [trusted.origin] },
      files: {
        [`${certs}/ca.crt`]: ca.cert,
        [`${certs}/client.cert`]: client.cert,
        [`${certs}/client.key`]: client.key,
      },
    },
  ];
}

/** Converts what Docker was told of a mirror; the files of registries alone are written, below `directory`. */
async function writeHosts(directory: string, { settings, files }: Mirror, spec: TargetSpec): Promise<string> {
  const daemonJson = { path: "/etc/docker/daemon.json", text: JSON.stringify(settings) };
  const certificates = Object.entries(files).map(([path, text]) => ({ path, text }));
  const host = { daemonJson, certificates, logins: [], kubelet: {}, images: [], cgroupVersion: 1 } as const;
  const certsDirectory = `${directory}/certs.d`;
  for (const { path, content, mode } of convert(host, { ...spec, certsDirectory }).files) {
    if (!path.startsWith(certsDirectory)) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode });
  }
  return certsDirectory;
}

test("containerd pulls through the mirrors that Docker had", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, containerdBinary, "ctr", "openssl")) return;
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("mirrors"));
  for (const mirror of await openMirrors(directory.path, stack)) {
    await using place = await temporaryDirectory("hosts");
    const hosts = await writeHosts(place.path, mirror, containerdSpec({ major: 1, minor: 6 }));
    await runContainerd("version = 2\n", async (socket) => {
      await command(["ctr", "-a", socket, "content", "fetch", "--hosts-dir", hosts, "docker.io/library/app:1"]);
    });
    assert.ok(mirror.registry.requests.some((request) => request.includes("/v2/library/app/blobs/")));
  }
});

test("ferryd pulls through the mirrors that Docker had", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "conmon", "openssl")) return;
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("mirrors"));
  const at = (name: string) => join(directory.path, name);
  stack.defer(async () => await unmountBelow(directory.path));
  // hosts.toml is read at each pull: one daemon sees the mirrors one after the other.
  const certs = `certs_directories = [${JSON.stringify(at("certs.d"))}]\n`;
  await writeFile(at("config.toml"), `version = 1\n[cri]\nenable = false\n[images]\n${certs}`);
  const argv = ["bin/ferryd", "--config", at("config.toml"), "--root", at("r"), "--state", at("s")];
  const ready = async () => (await readFile(at("log"), "utf8")).includes('"message":"ready"');
  stack.use(await startDaemon(argv, ready, { log: openSync(at("log"), "w") }));
  for (const mirror of await openMirrors(directory.path, stack)) {
    await writeHosts(directory.path, mirror, ferrySpec);
    const host = `unix://${at("s/docker.sock")}`;
    await command(["bin/ferry", "--host", host, "pull", "docker.io/library/app:1"]);
    await command(["bin/ferry", "--host", host, "rmi", "docker.io/library/app:1"]);
    assert.ok(mirror.registry.requests.some((request) => request.includes("/v2/library/app/manifests/")));
  }
});
