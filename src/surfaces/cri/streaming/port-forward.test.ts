import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import test from "node:test";
import { SpdyClient } from "./spdy-client.fixture.ts";
import { openStreamingBed, type StreamingBed } from "./streaming-bed.fixture.ts";

const protocol = { "X-Stream-Protocol-Version": "portforward.k8s.io" };

/** A listener on loopback that says back what it hears, then closes. */
async function openEcho() {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => {}));
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function openForward(bed: StreamingBed): Promise<SpdyClient> {
  return await SpdyClient.open(bed.server.getPortForward({ podSandboxId: "p", ports: [] }), protocol);
}

/** The streams of one connection, as kubectl opens them. */
function openPair(client: SpdyClient, port: number, requestid?: string): { error: number; data: number } {
  const common = { port: String(port), ...(requestid === undefined ? {} : { requestid }) };
  const error = client.open({ ...common, streamtype: "error" });
  client.write(error, "", true);
  return { error, data: client.open({ ...common, streamtype: "data" }) };
}

test("many connections on one session, each half closed on its own", async () => {
  await using echo = await openEcho();
  await using bed = await openStreamingBed();
  using client = await openForward(bed);
  const sent = Array.from({ length: 20 }, () => randomBytes(100_000));
  const pairs = sent.map((bytes, index) => {
    const pair = openPair(client, echo.port, String(index));
    client.write(pair.data, bytes, true);
    return pair;
  });
  await client.until(() => pairs.every(({ data, error }) => client.stream(data).fin && client.stream(error).fin));
  for (const [index, { data, error }] of pairs.entries()) {
    assert.ok(client.stream(data).bytes.equals(sent[index] ?? Buffer.alloc(0)));
    assert.equal(client.stream(error).bytes.length, 0);
  }
  await client.until(() => bed.runtime.running === 0 && echo.sockets.size === 0);
  assert.equal(client.closed, false, "the session stays");
});

test("clients that name no request: by the streams' numbers", async () => {
  await using echo = await openEcho();
  await using bed = await openStreamingBed();
  using client = await openForward(bed);
  const { data } = openPair(client, echo.port);
  client.write(data, "hi", true);
  await client.until(() => client.stream(data).fin);
  assert.equal(client.stream(data).bytes.toString(), "hi");
});

test("a port where nobody listens is told, and only that connection ends", async () => {
  await using echo = await openEcho();
  await using bed = await openStreamingBed();
  using client = await openForward(bed);
  const bad = openPair(client, 1, "a");
  await client.until(() => client.stream(bad.error).fin);
  assert.equal(
    client.stream(bad.error).bytes.toString(),
    "error forwarding port 1 to pod p: connect ECONNREFUSED 127.0.0.1:1",
  );
  const good = openPair(client, echo.port, "b");
  client.write(good.data, "still here", true);
  await client.until(() => client.stream(good.data).fin);
});

test("a connection that the client resets is closed, and no failure", async () => {
  await using echo = await openEcho();
  await using bed = await openStreamingBed();
  using client = await openForward(bed);
  const { data, error } = openPair(client, echo.port, "a");
  client.write(data, "hi");
  await client.until(() => client.stream(data).bytes.length === 2);
  client.send({ t: "rstStream", streamId: data, status: 5 });
  await client.until(() => client.stream(error).fin && echo.sockets.size === 0);
  assert.equal(client.stream(error).bytes.length, 0);
});

test("a connection that the pod breaks off is reset, and nothing else told", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  {
    await using bed = await openStreamingBed();
    using client = await openForward(bed);
    const { data, error } = openPair(client, (server.address() as AddressInfo).port, "a");
    client.write(data, "hi");
    await client.until(() => client.stream(error).fin && client.stream(data).resetStatus !== undefined);
    assert.deepEqual([client.stream(data).resetStatus, client.stream(error).bytes.length], [5, 0]);
    assert.equal(client.closed, false);
  }
  server.close();
});

test("streams without a port or type are refused; half a pair is ended", async () => {
  await using bed = await openStreamingBed({ creationTimeoutMs: 2_000 });
  using client = await openForward(bed);
  const headers = [{}, { streamtype: "data" }, { streamtype: "data", port: "0" }, { streamtype: "x", port: "80" }];
  const refused = headers.map((headers) => client.open(headers));
  const lone = client.open({ streamtype: "error", port: "80", requestid: "1" });
  const twice = client.open({ streamtype: "error", port: "80", requestid: "1" });
  const alone = client.open({ streamtype: "data", port: "80", requestid: "2" });
  await client.until(() => client.stream(lone).fin && client.stream(alone).resetStatus !== undefined);
  assert.deepEqual(
    [...refused, twice].map((id) => client.stream(id).resetStatus),
    [1, 1, 1, 1, 8],
  );
  assert.equal(client.stream(lone).bytes.toString(), "request 1: timed out waiting for streams");
});

test("more streams than a session may have are refused", async () => {
  await using bed = await openStreamingBed();
  using client = await openForward(bed);
  const ids = Array.from({ length: 1025 }, (_, index) =>
    client.open({ streamtype: "error", port: "80", requestid: String(index) }),
  );
  const last = ids.at(-1) ?? 0;
  await client.until(() => client.stream(last).resetStatus !== undefined);
  assert.equal(client.stream(last).resetStatus, 3);
  assert.ok(ids.slice(0, -1).every((id) => client.stream(id).replied));
});

test("a client that vanishes leaves no connection to the pod", async () => {
  await using echo = await openEcho();
  await using bed = await openStreamingBed();
  using client = await openForward(bed);
  const { data } = openPair(client, echo.port, "a");
  client.write(data, "hi");
  await client.until(() => client.stream(data).bytes.length === 2);
  client.socket.resetAndDestroy();
  while (echo.sockets.size > 0 || bed.runtime.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
