import assert from "node:assert/strict";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { parseReference } from "#core/images/reference.ts";
import { testCall } from "#test/support/call.ts";
import { makeCa } from "#test/support/certificates.ts";
import { quickRegistry } from "#test/support/image-engine.ts";
import { fixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { requireBinary } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { OciRegistry } from "./oci-registry.ts";
import type { RegistryConfig } from "./registry-config.ts";

const call = testCall();
const image = await fixtureImage({ layers: [{ a: "a" }] });

async function resolves(reference: string, config: Partial<RegistryConfig>): Promise<boolean> {
  using registry = new OciRegistry({ ...quickRegistry, ...config });
  return (await registry.resolve(call, parseReference(reference), {})).digest === image.manifest.digest;
}

test("CAs and client certificates come from either layout", async (t) => {
  if (!requireBinary(t, "openssl")) return;
  await using directory = await temporaryDirectory("tls");
  const { ca, issue } = await makeCa(directory.path);
  const server = await issue("server");
  const client = await issue("client");
  await using registry = await TestRegistry.start({ tls: { key: server.key, cert: server.cert, ca: ca.cert } });
  const reference = registry.add("x", "1", image);
  const toml = async (text: string) => {
    const root = join(directory.path, "toml");
    await mkdir(join(root, registry.host), { recursive: true });
    await writeFile(join(root, registry.host, "hosts.toml"), text);
    return { hostsDirectories: [root], insecureRegistries: [] };
  };
  const pair = `client = [["${client.certPath}", "${client.keyPath}"]]`;
  assert.ok(await resolves(reference, await toml(`ca = "${ca.certPath}"\n${pair}`)));
  assert.ok(await resolves(reference, await toml(`skip_verify = true\n${pair}`)));
  await assert.rejects(resolves(reference, await toml(pair)), {
    kind: "unavailable",
    message: /certificate signed by unknown authority$/,
  });
  await assert.rejects(resolves(reference, await toml(`ca = "${ca.certPath}"`)), {
    kind: "unavailable",
    message: /: manifest x:1: /,
  });
  const docker = join(directory.path, "docker", registry.host);
  await mkdir(docker, { recursive: true });
  await copyFile(ca.certPath, join(docker, "ca.crt"));
  await copyFile(client.certPath, join(docker, "client.cert"));
  await copyFile(client.keyPath, join(docker, "client.key"));
  assert.ok(await resolves(reference, { hostsDirectories: [join(directory.path, "docker")] }));
  assert.ok(await resolves(reference, { ...(await toml(pair)), caFile: ca.certPath }), "a CA that the machine trusts");
});

test("a loopback registry may have any certificate, or none", async (t) => {
  if (!requireBinary(t, "openssl")) return;
  await using directory = await temporaryDirectory("tls");
  const { issue } = await makeCa(directory.path);
  await using secure = await TestRegistry.start({ tls: await issue("server") });
  await using plain = await TestRegistry.start();
  assert.ok(await resolves(secure.add("x", "1", image), {}));
  assert.ok(await resolves(plain.add("x", "1", image), {}));
});

/** A proxy that takes whatever host it is asked for to `target`. */
async function startProxy(target: string) {
  const seen: string[] = [];
  const port = Number(target.split(":")[1]);
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const path = new URL(incoming.url ?? "/").pathname;
    const onward = request(
      { host: "127.0.0.1", port, method: incoming.method, path, headers: incoming.headers },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing);
      },
    );
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket) => {
    seen.push(
      `CONNECT ${incoming.url} ${incoming.headers["proxy-authorization"] === undefined ? "" : "with credentials"}`.trim(),
    );
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    seen,
    url: `127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("requests go through a proxy: plain ones by it, TLS by CONNECT", async (t) => {
  if (!requireBinary(t, "openssl")) return;
  await using directory = await temporaryDirectory("proxy");
  const { ca, issue } = await makeCa(directory.path);
  await using plain = await TestRegistry.start();
  plain.add("x", "1", image);
  {
    await using proxy = await startProxy(plain.host);
    const config = { proxy: { http: `http://${proxy.url}` }, hostsDirectories: [directory.path] };
    await mkdir(join(directory.path, "plain.example"));
    await writeFile(join(directory.path, "plain.example/hosts.toml"), 'server = "http://plain.example"');
    assert.ok(await resolves("plain.example/x:1", config));
    assert.deepEqual(proxy.seen, ["HEAD http://plain.example/v2/x/manifests/1"]);
  }
  await using secure = await TestRegistry.start({ tls: await issue("server") });
  secure.add("x", "1", image);
  await using proxy = await startProxy(secure.host);
  await mkdir(join(directory.path, "secure.example"));
  await writeFile(join(directory.path, "secure.example/hosts.toml"), `skip_verify = true\nca = "${ca.certPath}"`);
  const config = { proxy: { https: `http://me:secret@${proxy.url}` }, hostsDirectories: [directory.path] };
  assert.ok(await resolves("secure.example/x:1", config));
  assert.deepEqual(proxy.seen, ["CONNECT secure.example:443 with credentials"]);
});
