import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { eventually } from "#test/support/eventually.ts";
import { DockerClient } from "./docker-client.ts";
import { formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { outputFrames } from "./frames.ts";

/** A server that answers each connection with prepared bytes, in the pieces given, once it has seen a whole head. */
async function serve(answer: readonly string[], whenDone: "end" | "destroy" | "stay" = "end") {
  const directory = await mkdtemp(join(tmpdir(), "ferry-client-"));
  const path = join(directory, "s.sock");
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const had = text.includes("\r\n\r\n");
      text += bytes.toString();
      requests[0] = text;
      if (had || !text.includes("\r\n\r\n")) return;
      void (async () => {
        for (const part of answer) {
          socket.write(part);
          await new Promise((wake) => setTimeout(wake, 2));
        }
        if (whenDone === "end") socket.end();
        else if (whenDone === "destroy") socket.destroy();
      })();
    });
  });
  await new Promise<void>((ready) => server.listen(path, ready));
  return {
    client: new DockerClient({ endpoint: { type: "unix", path } }),
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
      await rm(directory, { recursive: true });
    },
  };
}

const ok = "HTTP/1.1 200 OK\r\n";

const answers: readonly (readonly [string, readonly string[]])[] = [
  ["a length", [`${ok}Content-Length: 11\r\n\r\n{"a":"b c"}ignored`]],
  ["chunks", [`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n6\r\n"b c"}\r\n0\r\n\r\n`]],
  [
    "chunks in odd pieces",
    [`${ok}Transfer-Enco`, `ding: chunked\r\n\r`, `\n5;x=y\r\n{"a`, `":\r\n6\r`, `\n"b c"}\r\n0\r\nT: x\r\n`, `\r\n`],
  ],
  ["the end of the connection", [`${ok}\r\n{"a":`, `"b c"}`]],
  ["100 Continue before", [`HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 11\r\n\r\n{"a":"b c"}`]],
];

for (const [name, answer] of answers) {
  test(`reads a body bounded by ${name}`, async () => {
    await using server = await serve(answer);
    assert.deepEqual(await server.client.json({ path: "/x" }), { a: "b c" });
  });
}

test("sends query, JSON and length", async () => {
  await using server = await serve([`${ok}Content-Length: 0\r\n\r\n`]);
  await server.client.text({
    method: "POST",
    path: "/x",
    query: { a: "b c", n: undefined, l: ["1", "2"] },
    json: { k: "ü" },
  });
  assert.match(server.requests[0] ?? "", /^POST \/x\?a=b%20c&l=1&l=2 HTTP\/1\.1\r\nHost: docker\r\n/);
  assert.match(
    server.requests[0] ?? "",
    /Content-Type: application\/json\r\n[\s\S]*Content-Length: 10\r\n\r\n\{"k":"ü"\}$/,
  );
});

test("an error's message is the server's", async () => {
  await using server = await serve([`HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\n{"message":"gone"}`]);
  // The length is one short on purpose: what cannot be read as JSON is shown as it is.
  await assert.rejects(server.client.json({ path: "/x" }), {
    name: "DockerApiError",
    status: 404,
    message: '{"message":"gone"',
  });
  await using other = await serve([`HTTP/1.1 409 Conflict\r\nContent-Length: 18\r\n\r\n{"message":"gone"}`]);
  await assert.rejects(other.client.json({ path: "/x" }), { status: 409, message: "gone" });
});

const broken: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["no answer", [], /hung up without an answer/],
  ["half an answer", [`${ok}Content-Length: 50\r\n\r\n{"a"`], /in the middle/],
  ["no HTTP", ["SSH-2.0-x\r\n\r\n"], /not HTTP/],
];

for (const [name, answer, message] of broken) {
  test(`${name} is unavailable`, async () => {
    await using server = await serve(answer);
    await assert.rejects(server.client.json({ path: "/x" }), { kind: "unavailable", message });
  });
}

test("no socket names the address", async () => {
  const client = new DockerClient({ endpoint: { type: "unix", path: "/nonexistent/s.sock" } });
  await assert.rejects(client.json({ path: "/x" }), {
    kind: "unavailable",
    message: "unix:///nonexistent/s.sock: no such socket",
  });
});

test("aborting hangs up", async () => {
  await using server = await serve([], "stay");
  const signal = AbortSignal.timeout(20);
  await assert.rejects(server.client.json({ path: "/x", signal }), { name: "AbortError" });
});

test("a hijacked connection goes both ways, and its end can be closed on one side", async () => {
  await using server = await serve(["HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nout"], "stay");
  using connection = await server.client.hijack({ path: "/attach" });
  connection.socket.write("in");
  connection.socket.end();
  const iterator = connection.output[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value?.toString(), "out");
  const request = /Connection: Upgrade\r\nUpgrade: tcp[\s\S]*\r\n\r\nin$/i;
  await eventually("all was sent", () => request.test(server.requests[0] ?? ""));
});

test("frames, in any pieces", async () => {
  const frame = (stream: number, text: string) =>
    Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  const bytes = Buffer.concat([frame(1, "out"), frame(2, "err"), frame(1, ""), frame(1, "more")]);
  for (const size of [1, 3, 9, 100]) {
    const seen = { stdout: "", stderr: "" };
    for await (const { stream, bytes: part } of outputFrames(inPieces(bytes, size))) seen[stream] += part.toString();
    assert.deepEqual(seen, { stdout: "outmore", stderr: "err" });
  }
  await assert.rejects(Array.fromAsync(outputFrames(inPieces(frame(3, "it broke"), 100))), /it broke/);
});

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("endpoints", () => {
  const texts = ["unix:///run/x.sock", "/run/x.sock", "tcp://h:2376", "h:1", "tcp://[::1]:5", "tcp://h"];
  assert.deepEqual(
    texts.map((text) => formatEndpoint(parseEndpoint(text))),
    ["unix:///run/x.sock", "unix:///run/x.sock", "tcp://h:2376", "tcp://h:1", "tcp://::1:5", "tcp://h:2375"],
  );
  assert.throws(() => parseEndpoint("ssh://h"), { kind: "invalidArgument" });
  assert.throws(() => parseEndpoint("tcp://h:99999"), { kind: "invalidArgument" });
});
