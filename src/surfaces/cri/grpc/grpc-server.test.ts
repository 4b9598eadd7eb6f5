import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { createServer, type AddressInfo } from "node:net";
import test from "node:test";
import { eventually } from "#test/support/eventually.ts";
import { EngineError } from "#base/errors.ts";
import { toFrame } from "./frame.ts";
import { GrpcServer } from "./grpc-server.ts";
import { parseTimeoutMs } from "./rpc-status.ts";
import type { Route, RpcContext } from "./service-routes.ts";

type Answer = { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: string };

const seen: string[] = [];
let waiting = 0;
const routes: Record<string, Route> = {
  "/echo": { t: "unary", name: "echo", run: async (bytes) => bytes },
  "/fail": { t: "unary", name: "fail", run: () => Promise.reject(new EngineError("notFound", "pod ü: 100% gone")) },
  "/mistake": { t: "unary", name: "mistake", run: () => Promise.reject(new Error("secret")) },
  "/wait": { t: "unary", name: "wait", run: (_bytes, context) => untilAborted(context) },
  "/count": {
    t: "stream",
    name: "count",
    async *run(bytes) {
      for (let index = 0; index < 3; index++) yield bytes;
      throw new EngineError("unavailable", "no more");
    },
  },
};

async function untilAborted({ signal }: RpcContext): Promise<Uint8Array> {
  waiting++;
  await once(signal, "abort");
  waiting--;
  seen.push(String(signal.reason));
  throw new EngineError("internal", "whatever came of it");
}

async function fixture() {
  const ending = new AbortController();
  const server = new GrpcServer({ find: (path) => routes[path], maxMessageBytes: 1000, signal: ending.signal });
  const listener = createServer((socket) => server.accept(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = connect(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`);
  return {
    client,
    ending,
    async [Symbol.asyncDispose]() {
      client.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

async function ask(client: ClientHttp2Session, path: string, body: Buffer, more: Record<string, string> = {}) {
  const headers = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...more,
  };
  const stream = client.request(headers);
  stream.on("error", () => {});
  stream.end(body);
  const answer: Answer = { headers: {}, trailers: {}, body: "" };
  stream.on("response", (got) => (answer.headers = got));
  stream.on("trailers", (got) => (answer.trailers = got));
  stream.on("data", (chunk: Buffer) => (answer.body += chunk.toString("latin1")));
  await once(stream, "close");
  return answer;
}

const frame = (text: string) => toFrame(Buffer.from(text));

test("a message comes back framed, with its status in trailers", async () => {
  await using it = await fixture();
  const { headers, trailers, body } = await ask(it.client, "/echo", frame("hello"));
  assert.deepEqual([headers[":status"], headers["content-type"]], [200, "application/grpc"]);
  assert.equal(body, "\0\0\0\0\x05hello");
  assert.equal(trailers["grpc-status"], "0");
});

test("errors are an answer of headers alone; a mistake of ours tells nothing of itself", async () => {
  await using it = await fixture();
  const answers = async (path: string, body = frame("x"), more = {}) => {
    const { headers } = await ask(it.client, path, body, more);
    return [headers["grpc-status"], headers["grpc-message"]];
  };
  assert.deepEqual(await answers("/fail"), ["5", "pod %C3%BC: 100%25 gone"]);
  assert.deepEqual(await answers("/mistake"), ["13", "internal error"]);
  assert.deepEqual(await answers("/none"), ["12", "/none: no such method"]);
  assert.deepEqual(await answers("/echo", frame("y".repeat(2000))), ["8", "request: more than 1000 bytes"]);
  assert.deepEqual(await answers("/echo", Buffer.alloc(0)), ["3", "request: no message"]);
  assert.deepEqual(await answers("/echo", Buffer.concat([frame("a"), frame("b")])), [
    "3",
    "request: not one whole message",
  ]);
  assert.deepEqual(await answers("/echo", Buffer.from("\x01\0\0\0\x01z", "latin1")), [
    "12",
    "request: compressed, which is not offered",
  ]);
  assert.deepEqual(await answers("/wait", frame("x"), { "grpc-timeout": "30m" }), [
    "4",
    "the call's deadline has passed",
  ]);
  assert.equal((await ask(it.client, "/echo", frame("x"), { "content-type": "text/plain" })).headers[":status"], 415);
});

test("a stream's messages come before its status", async () => {
  await using it = await fixture();
  const { trailers, body } = await ask(it.client, "/count", frame("n"));
  assert.equal(body, "\0\0\0\0\x01n".repeat(3));
  assert.deepEqual([trailers["grpc-status"], trailers["grpc-message"]], ["14", "no more"]);
});

test("a client that leaves, and the server's end, abort the call", async () => {
  await using it = await fixture();
  const headers = { ":method": "POST", ":path": "/wait", "content-type": "application/grpc" };
  const left = it.client.request(headers);
  left.on("error", () => {});
  left.end(frame("x"));
  await eventually("it waits", () => waiting === 1);
  seen.length = 0;
  left.close(8);
  await eventually("it is told", () => waiting === 0);
  const ended = ask(it.client, "/wait", frame("x"));
  await eventually("it waits", () => waiting === 1);
  it.ending.abort();
  assert.equal((await ended).headers["grpc-status"], "14");
  assert.deepEqual(seen, ["EngineError: the client has gone", "EngineError: ferryd: stopping"]);
});

test("timeouts in every unit", () => {
  const texts = ["2H", "3M", "4S", "5m", "6000u", "7000000n", "1n", "99999999H", "x", "5", undefined];
  const expected = [7_200_000, 180_000, 4000, 5, 6, 7, 1, 2 ** 31 - 1, undefined, undefined, undefined];
  assert.deepEqual(texts.map(parseTimeoutMs), expected);
});
