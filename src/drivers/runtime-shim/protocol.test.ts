import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { ProtoFields, ProtoWriter } from "./protobuf.ts";
import { parseAddress } from "./shim-process.ts";
import { connectTtrpc, type TtrpcClient } from "./ttrpc-client.ts";
import { formatFrame, FrameReader, maxFrameBytes } from "./ttrpc-frame.ts";
import { TtrpcServer, type TtrpcHandler } from "./ttrpc-server.ts";

test("numbers, strings, messages and maps have protobuf's bytes", () => {
  const table: [writer: ProtoWriter, hex: string][] = [
    [new ProtoWriter().integer(1, 150), "089601"],
    [new ProtoWriter().string(2, "testing"), "120774657374696e67"],
    [new ProtoWriter().message(3, new ProtoWriter().integer(1, 150)), "1a03089601"],
    [new ProtoWriter().integer(1, -1), "08ffffffffffffffffff01"],
    [new ProtoWriter().bool(16, true), "800101"],
    [new ProtoWriter().integer(1, 0).string(2, "").bool(3, false), ""],
    [new ProtoWriter().any(1, "t", Uint8Array.of(7)), "0a060a0174120107"],
  ];
  for (const [writer, hex] of table) assert.equal(Buffer.from(writer.finish()).toString("hex"), hex);
});

test("fields are read whatever else is between them; what is broken is refused", () => {
  const fields = new ProtoFields(Buffer.from("089601120161120162220201022d01000000310100000000000000", "hex"));
  assert.equal(fields.number(1), 150);
  assert.equal(fields.string(2), "b");
  assert.deepEqual(fields.bigints(4), [1n, 2n]);
  assert.deepEqual([fields.number(9), fields.string(9), fields.messages(9)], [0, "", []]);
  assert.equal(new ProtoFields(Buffer.from("08ffffffffffffffffff01", "hex")).number(1), Number.MAX_SAFE_INTEGER);
  for (const hex of ["08", "0896", "1205aa", "0b", "08ffffffffffffffffffff01", "09aabb"])
    assert.throws(() => new ProtoFields(Buffer.from(hex, "hex")), RangeError, hex);
});

test("frames come out whole however the bytes are cut, and none that is too long", () => {
  const frames = [
    { streamId: 1, type: 1, data: Buffer.from("abc") },
    { streamId: 3, type: 2, data: Buffer.alloc(0) },
    { streamId: 0xffffffff, type: 2, data: Buffer.alloc(300, 7) },
  ];
  const bytes = Buffer.concat(frames.map(formatFrame));
  assert.equal(bytes.subarray(0, 13).toString("hex"), "00000003000000010100616263");
  for (const size of [1, 2, 9, 10, 11, 1000]) {
    const reader = new FrameReader();
    const read = [];
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(
      read.map(({ streamId, type, data }) => ({ streamId, type, data: Buffer.from(data) })),
      frames,
    );
  }
  const header = Buffer.alloc(10);
  header.writeUInt32BE(maxFrameBytes + 1);
  assert.throws(() => new FrameReader().push(header), RangeError);
});

test("several calls are in flight, each with its own answer, error, deadline and abort", async () => {
  await withServer(async (client) => {
    const late = call(client, "Slow", "100");
    assert.equal(await call(client, "Echo", "first"), "first");
    await fails("notFound", call(client, "Fail", ""), "no such thing");
    await fails("notImplemented", call(client, "Nope", ""));
    await fails("deadlineExceeded", call(client, "Slow", "5000", { timeoutMs: 20 }));
    await assert.rejects(call(client, "Slow", "5000", { signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
    assert.equal(await late, "100");
    assert.equal(await call(client, "Echo", "x".repeat(1_000_000)), "x".repeat(1_000_000));
    await fails("resourceExhausted", call(client, "Echo", "x".repeat(maxFrameBytes)));
  });
});

test("a lost connection fails what is in flight and what comes after", async () => {
  await withServer(async (client, server) => {
    const pending = call(client, "Slow", "5000");
    const failed = fails("unavailable", pending);
    await sleep(20);
    await server.close();
    await failed;
    await client.closed;
    await fails("unavailable", call(client, "Echo", ""));
  });
});

test("a server that answers nonsense is a lost connection, or an error of the one call", async () => {
  await using directory = await temporaryDirectory("ttrpc");
  const answers = [Buffer.alloc(10, 0xff), formatFrame({ streamId: 1, type: 2, data: Buffer.from([0x08]) })];
  for (const [at, answer] of answers.entries()) {
    const path = join(directory.path, `s${at}`);
    const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.write(answer)));
    server.listen(path);
    await once(server, "listening");
    using client = await connectTtrpc(path);
    await fails(at === 0 ? "unavailable" : "internal", call(client, "Echo", ""));
    client.close();
    server.close();
    await once(server, "close");
  }
  await fails("unavailable", connectTtrpc(join(directory.path, "nobody")));
});

test("a shim says where it is in one of two ways", () => {
  assert.deepEqual(parseAddress("unix:///run/s/1\n"), { address: "unix:///run/s/1", version: 2 });
  const json = '{"version":3,"address":"unix:///run/s/2","protocol":"ttrpc"}';
  assert.deepEqual(parseAddress(json), { address: "unix:///run/s/2", version: 3 });
  assert.throws(() => parseAddress('{"version":3,"address":"x","protocol":"grpc"}'), /grpc/);
  assert.throws(() => parseAddress('{"version":3}'), /no address/);
});

const service = "test.Service";

async function withServer(body: (client: TtrpcClient, server: TtrpcServer) => Promise<void>): Promise<void> {
  await using directory = await temporaryDirectory("ttrpc");
  const handlers: Record<string, TtrpcHandler> = {
    Echo: async (payload) => payload,
    Slow: async (payload) => {
      await sleep(Number(Buffer.from(payload).toString()), undefined, { ref: false });
      return payload;
    },
    Fail: async () => {
      throw new EngineError("notFound", "no such thing");
    },
  };
  const named = Object.entries(handlers).map(([name, handler]) => [`${service}/${name}`, handler] as const);
  await using server = new TtrpcServer(new Map(named));
  const path = join(directory.path, "socket");
  await server.listen(path);
  using client = await connectTtrpc(`unix://${path}`);
  await body(client, server);
}

async function call(
  client: TtrpcClient,
  method: string,
  text: string,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<string> {
  return Buffer.from(await client.call({ service, method, payload: Buffer.from(text), ...options })).toString();
}
