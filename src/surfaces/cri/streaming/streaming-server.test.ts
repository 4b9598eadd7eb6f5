import assert from "node:assert/strict";
import test from "node:test";
import { Agent, request } from "node:https";
import { makeCa } from "#test/support/certificates.ts";
import { requireBinary } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { SpdyClient } from "./spdy-client.fixture.ts";
import { openStreamingBed, wanted } from "./streaming-bed.fixture.ts";

/** Status of an upgrade request at `url`. */
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  using client = await SpdyClient.open(url, headers);
  return client.status;
}

test("URLs: loopback, one use, for what they were made", async () => {
  await using bed = await openStreamingBed();
  const url = bed.exec("o", "sleep", "1000");
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]{22}$/);
  assert.equal(await statusOf(url), 101);
  assert.equal(await statusOf(url), 404, "used");
  assert.equal(await statusOf(`${bed.server.baseUrl}/exec/unknown`), 404);
  assert.equal(await statusOf(`${bed.server.baseUrl}/`), 404);
  assert.equal(await statusOf(bed.exec("o", "true").replace("/exec/", "/attach/")), 404);
  assert.equal(await statusOf(`${bed.exec("o", "true")}/more`), 404);
  const attach = bed.server.getAttach({ containerId: "true", ...wanted("o") });
  assert.equal(await statusOf(attach), 101);
});

test("URLs expire, and only so many wait", async () => {
  await using expired = await openStreamingBed({ tokenTtlMs: 0 });
  assert.equal(await statusOf(expired.exec("o", "true")), 404);
  await using bounded = await openStreamingBed({ maxTokens: 2 });
  bounded.exec("o", "true");
  bounded.exec("o", "true");
  assert.throws(() => bounded.exec("o", "true"), { kind: "resourceExhausted" });
});

test("requests that make no sense get no URL", async () => {
  await using bed = await openStreamingBed();
  const texts: [() => string, RegExp][] = [
    [() => bed.exec("ote", "sh"), /^tty and stderr cannot both be true$/],
    [() => bed.exec("", "sh"), /^one of stdin, stdout, or stderr must be set$/],
    [() => bed.server.getAttach({ containerId: "", ...wanted("o") }), /^missing required container_id$/],
    [() => bed.server.getPortForward({ podSandboxId: "", ports: [] }), /^missing required pod_sandbox_id$/],
    [() => bed.server.getPortForward({ podSandboxId: "p", ports: [0] }), /^port 0: not between 1 and 65535$/],
    [() => bed.server.getPortForward({ podSandboxId: "p", ports: Array(101).fill(1) }), /^ports: more than 100$/],
  ];
  for (const [ask, message] of texts) assert.throws(ask, { kind: "invalidArgument", message });
});

test("protocols: the client's first that is known; none in common is refused with what is", async () => {
  await using bed = await openStreamingBed();
  const ask = async (protocols: string) => {
    using client = await SpdyClient.open(bed.exec("o", "true"), { "X-Stream-Protocol-Version": protocols });
    return client.head;
  };
  assert.match(await ask("v5.channel.k8s.io, v3.channel.k8s.io,v4.channel.k8s.io"), /Version: v3\.channel\.k8s\.io/);
  const refusal = await ask("v9.channel.k8s.io");
  assert.match(refusal, /^HTTP\/1\.1 403 /);
  assert.match(refusal, /X-Accepted-Stream-Protocol-Versions: v4\.channel\.k8s\.io, v3/);
  assert.match(await ask(""), /^HTTP\/1\.1 400 /);
  assert.equal(await statusOf(bed.exec("o", "true"), { Upgrade: "h2c" }), 400);
  assert.equal((await fetch(bed.exec("o", "true"), { method: "POST" })).status, 400);
  assert.equal((await fetch(`${bed.server.baseUrl}/exec/unknown`)).status, 404);
});

test("a port that is taken is unavailable", async () => {
  await using bed = await openStreamingBed();
  const port = Number(new URL(bed.server.baseUrl).port);
  await assert.rejects(async () => openStreamingBed({ port }), { kind: "unavailable" });
});

test("closing cuts off what runs", async () => {
  let client: SpdyClient;
  {
    await using bed = await openStreamingBed();
    client = await SpdyClient.open(bed.exec("o", "sleep", "1000"));
    const streams = ["error", "stdout"].map((streamtype) => client.open({ streamtype }));
    await client.until(() => streams.every((id) => client.stream(id).replied) && bed.runtime.running === 1);
  }
  await client.untilClosed();
});

test("TLS, with a client's certificate where that is asked for", async (t) => {
  if (!requireBinary(t, "openssl")) return;
  await using directory = await temporaryDirectory("streaming");
  const { ca, issue } = await makeCa(directory.path);
  const [server, client] = [await issue("server"), await issue("client")];
  await using bed = await openStreamingBed({ tls: { cert: server.cert, key: server.key, ca: ca.cert } });
  const url = bed.exec("o", "true");
  assert.match(url, /^https:/);
  await assert.rejects(async () => await get(url, { ca: ca.cert }));
  assert.equal(await get(url, { ca: ca.cert, cert: client.cert, key: client.key }), 400);
});

async function get(url: string, tls: { ca: string; cert?: string; key?: string }): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const agent = new Agent({ ...tls, keepAlive: false });
  const sent = request(url, { agent }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  sent.on("error", reject).end();
  return await promise;
}
