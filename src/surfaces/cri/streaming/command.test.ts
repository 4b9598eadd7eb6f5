import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import test from "node:test";
import { SpdyClient } from "./spdy-client.fixture.ts";
import { openStreamingBed, wanted } from "./streaming-bed.fixture.ts";

/** Opens the streams of a command and waits for the answers; the numbers by type. */
async function openStreams(client: SpdyClient, ...types: string[]): Promise<number[]> {
  const ids = types.map((streamtype) => client.open({ streamtype }));
  await client.until(() => ids.every((id) => client.stream(id).replied));
  return ids;
}

async function run(url: string, ...types: string[]) {
  using client = await SpdyClient.open(url);
  const [error = 0, ...rest] = await openStreams(client, "error", ...types);
  await client.until(() => [error, ...rest].every((id) => client.stream(id).fin));
  return {
    status: JSON.parse(client.stream(error).bytes.toString()) as unknown,
    texts: rest.map((id) => client.stream(id).bytes.toString()),
  };
}

test("exec: output, and the exit code as kubectl reads it", async () => {
  await using bed = await openStreamingBed();
  const { status, texts } = await run(bed.exec("oe", "sh", "-c", "echo out; echo err >&2; exit 7"), "stdout", "stderr");
  assert.deepEqual(texts, ["out\n", "err\n"]);
  assert.deepEqual(status, {
    metadata: {},
    status: "Failure",
    message:
      "command terminated with non-zero exit code: " +
      "error executing command [sh -c echo out; echo err >&2; exit 7], exit code 7",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "7" }] },
  });
  const fine = await run(bed.exec("o", "true"), "stdout");
  assert.deepEqual(fine.status, { metadata: {}, status: "Success" });
});

test("exec: a command that cannot be run is an internal error", async () => {
  await using bed = await openStreamingBed();
  const { status } = await run(bed.exec("o", "/does/not/exist"), "stdout");
  assert.deepEqual(status, {
    metadata: {},
    status: "Failure",
    message: "Internal error occurred: error executing command in container: spawn /does/not/exist ENOENT",
    reason: "InternalError",
    code: 500,
  });
});

test("exec: stdin to its end and back, more than any buffer", async () => {
  await using bed = await openStreamingBed();
  using client = await SpdyClient.open(bed.exec("io", "cat"));
  const [error = 0, stdin = 0, stdout = 0] = await openStreams(client, "error", "stdin", "stdout");
  const bytes = randomBytes(5_000_000);
  client.write(stdin, bytes.subarray(0, 3_000_000));
  client.write(stdin, bytes.subarray(3_000_000), true);
  await client.until(() => client.stream(stdout).fin && client.stream(error).fin);
  assert.ok(client.stream(stdout).bytes.equals(bytes));
});

test("exec: a window that the client keeps is heeded", async () => {
  await using bed = await openStreamingBed();
  using client = await SpdyClient.open(bed.exec("o", "head", "-c", "300000", "/dev/zero"));
  client.send({ t: "settings", settings: [{ settingId: 7, value: 1000 }] });
  const [, stdout = 0] = await openStreams(client, "error", "stdout");
  await client.until(() => client.stream(stdout).bytes.length === 1000);
  await sleep(50);
  assert.equal(client.stream(stdout).bytes.length, 1000);
  client.send({ t: "windowUpdate", streamId: stdout, deltaBytes: 500_000 });
  await client.until(() => client.stream(stdout).bytes.length === 65536);
  await sleep(50);
  assert.equal(client.stream(stdout).bytes.length, 65536, "the session's own window");
  client.send({ t: "windowUpdate", streamId: 0, deltaBytes: 500_000 });
  await client.until(() => client.stream(stdout).fin);
  assert.equal(client.stream(stdout).bytes.length, 300_000);
});

test("exec: a client that keeps a window is told what was taken", async () => {
  await using bed = await openStreamingBed();
  using client = await SpdyClient.open(bed.exec("io", "sh", "-c", "cat >/dev/null"));
  const [error = 0, stdin = 0] = await openStreams(client, "error", "stdin", "stdout");
  client.write(stdin, Buffer.alloc(200_000), true);
  await client.until(() => client.stream(error).fin);
  const granted = client.frames.map((frame) =>
    frame.t === "windowUpdate" && frame.streamId === stdin ? frame.deltaBytes : 0,
  );
  assert.ok(granted.reduce((sum, bytes) => sum + bytes) > 150_000);
});

test("exec with a terminal: sizes arrive, the newest counts", async () => {
  await using bed = await openStreamingBed();
  using client = await SpdyClient.open(bed.exec("iot", "sh", "-c", "read line; echo got $line; test -t 0"));
  const [error = 0, stdin = 0, stdout = 0, resize = 0] = await openStreams(
    client,
    "error",
    "stdin",
    "stdout",
    "resize",
  );
  client.write(resize, `{"Width":80,"Height":24}\n{"Width":0,"Height":0}\n`);
  client.write(resize, `{"Width":100,`);
  client.write(resize, `"Height":40}`);
  await client.until(() => bed.runtime.sizes.at(-1)?.width === 100);
  client.write(stdin, "hello\n");
  await client.until(() => client.stream(error).fin);
  assert.match(client.stream(stdout).bytes.toString(), /got hello\r\n$/);
  assert.deepEqual(bed.runtime.sizes.at(-1), { width: 100, height: 40 });
  assert.equal(client.stream(error).bytes.toString(), `{"metadata":{},"status":"Success"}`);
});

test("attach: the end is a success, whatever the process's code", async () => {
  await using bed = await openStreamingBed();
  const url = bed.server.getAttach({ containerId: "echo hi; exit 3", ...wanted("o") });
  const { status, texts } = await run(url, "stdout");
  assert.deepEqual({ status, texts }, { status: { metadata: {}, status: "Success" }, texts: ["hi\n"] });
});

test("before v4 a failure is text, and success says nothing", async () => {
  await using bed = await openStreamingBed();
  for (const protocol of ["v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"]) {
    const texts = [];
    for (const code of ["0", "4"]) {
      using client = await SpdyClient.open(bed.exec("o", "sh", "-c", `exit ${code}`), {
        "X-Stream-Protocol-Version": protocol,
      });
      const [error = 0] = await openStreams(client, "error", "stdout");
      await client.until(() => client.stream(error).fin);
      texts.push(client.stream(error).bytes.toString());
    }
    assert.equal(texts[0], "");
    assert.match(texts[1] ?? "", /^command terminated with non-zero exit code: .*exit code 4$/);
  }
});

test("a client that vanishes aborts its command", async () => {
  await using bed = await openStreamingBed();
  using client = await SpdyClient.open(bed.exec("o", "sleep", "1000"));
  await openStreams(client, "error", "stdout");
  while (bed.runtime.running === 0) await sleep(5);
  client.socket.resetAndDestroy();
  while (bed.runtime.running > 0) await sleep(5);
});

test("a client that is idle for too long is let go, one that speaks is not", async () => {
  await using bed = await openStreamingBed({ idleTimeoutMs: 3_000 });
  using client = await SpdyClient.open(bed.exec("o", "sleep", "1000"));
  await openStreams(client, "error", "stdout");
  // Together longer than the limit, each far below it.
  for (let pings = 1; pings <= 7; pings++) {
    await sleep(500);
    client.send({ t: "ping", pingId: pings * 2 - 1 });
  }
  assert.equal(client.closed, false);
  await client.untilClosed();
  assert.equal(client.frames.filter(({ t }) => t === "ping").length, 7);
  assert.ok(client.frames.some(({ t }) => t === "goAway"));
});

test("a client that does not open its streams in time is let go", async () => {
  await using bed = await openStreamingBed({ creationTimeoutMs: 2_000 });
  using client = await SpdyClient.open(bed.exec("oe", "true"));
  await openStreams(client, "error", "stdout");
  await client.untilClosed();
  assert.equal(bed.runtime.running, 0);
});

test("streams without a type, of an unknown one, or given twice are refused", async () => {
  await using bed = await openStreamingBed();
  using client = await SpdyClient.open(bed.exec("o", "true"));
  const refused = [{}, { streamtype: "bogus" }, { streamtype: "error" }, { streamtype: "error" }].map((headers) =>
    client.open(headers),
  );
  const stdout = client.open({ streamtype: "stdout" });
  await client.until(() => client.stream(stdout).fin);
  assert.deepEqual(
    refused.map((id) => client.stream(id).resetStatus),
    [3, 3, undefined, 3],
  );
});

test("what is no SPDY ends the connection, with a reason", async () => {
  await using bed = await openStreamingBed();
  const cases = ["8002000600000004", "8003000100ffffff", "80030001000000120000000100000000000000deadbeefdeadbeef"];
  for (const hex of cases) {
    using client = await SpdyClient.open(bed.exec("o", "true"));
    client.socket.write(Buffer.from(hex, "hex"));
    await client.untilClosed();
    assert.deepEqual(client.frames, [{ t: "goAway", lastGoodStreamId: 0, status: 1 }], hex);
  }
});

test("stdin that nobody reads holds the client up, and is let go with it", async () => {
  await using bed = await openStreamingBed({ idleTimeoutMs: 3_000 });
  using client = await SpdyClient.open(bed.exec("io", "sleep", "1000"));
  const [, stdin = 0] = await openStreams(client, "error", "stdin", "stdout");
  client.write(stdin, Buffer.alloc(15_000_000));
  await sleep(200);
  assert.ok(client.socket.writableLength > 0, "the server took it all in");
  await client.untilClosed();
});
