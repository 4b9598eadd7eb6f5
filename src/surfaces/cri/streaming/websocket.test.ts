import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import test from "node:test";
import { eventually } from "#test/support/eventually.ts";
import { WebSocket } from "ws";
import { openStreamingBed, wanted } from "./streaming-bed.fixture.ts";

/** A `ws` client that keeps what comes, by channel. */
class Client implements Disposable {
  readonly socket: WebSocket;
  readonly channels = new Map<number, Buffer>();
  readonly #base64: boolean;
  closeCode: number | undefined;

  constructor(url: string, protocol: string) {
    this.#base64 = protocol.includes("base64");
    this.socket = new WebSocket(url.replace(/^http/, "ws"), protocol === "" ? [] : [protocol]);
    this.socket.on("error", () => {});
    this.socket.on("close", (code) => (this.closeCode = code));
    this.socket.on("message", (data, isBinary) => {
      assert.equal(isBinary, !this.#base64);
      const bytes = data as Buffer;
      const channel = this.#base64 ? bytes.readUInt8(0) - 0x30 : bytes.readUInt8(0);
      const body = this.#base64 ? Buffer.from(bytes.subarray(1).toString(), "base64") : bytes.subarray(1);
      this.channels.set(channel, Buffer.concat([this.channels.get(channel) ?? Buffer.alloc(0), body]));
    });
  }

  async opened(): Promise<this> {
    await once(this.socket, "open");
    return this;
  }

  send(channel: number, data: string | Buffer): void {
    const bytes = Buffer.from(data);
    if (this.#base64) this.socket.send(`${channel}${bytes.toString("base64")}`);
    else this.socket.send(Buffer.concat([Buffer.from([channel]), bytes]));
  }

  text(channel: number): string {
    return this.channels.get(channel)?.toString() ?? "";
  }

  async until(holds: () => boolean): Promise<void> {
    await eventually(String(holds), holds);
  }

  async untilClosed(): Promise<number | undefined> {
    await this.until(() => this.closeCode !== undefined);
    return this.closeCode;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

const failure =
  "command terminated with non-zero exit code: error executing command [sh -c echo hi; exit 9], exit code 9";

test("exec in each protocol: output and exit code, then a normal close", async () => {
  await using bed = await openStreamingBed();
  for (const protocol of ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"]) {
    using client = await new Client(bed.exec("oe", "sh", "-c", "echo hi; exit 9"), protocol).opened();
    assert.equal(client.socket.protocol, protocol);
    assert.equal(await client.untilClosed(), 1000);
    assert.equal(client.text(1), "hi\n");
    const status: unknown = JSON.parse(client.text(3));
    assert.deepEqual(status, {
      metadata: {},
      status: "Failure",
      message: failure,
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "9" }] },
    });
  }
  for (const protocol of ["channel.k8s.io", "base64.channel.k8s.io", ""]) {
    using client = await new Client(bed.exec("oe", "sh", "-c", "echo hi; exit 9"), protocol).opened();
    await client.untilClosed();
    assert.deepEqual([client.text(1), client.text(3)], ["hi\n", failure], protocol);
  }
});

test("v5: the close signal ends stdin, and only stdin", async () => {
  await using bed = await openStreamingBed();
  using client = await new Client(bed.exec("io", "cat"), "v5.channel.k8s.io").opened();
  const bytes = randomBytes(2_000_000);
  for (let at = 0; at < bytes.length; at += 32_768) client.send(0, bytes.subarray(at, at + 32_768));
  client.socket.send(Buffer.from([255, 0]));
  client.send(0, "too late");
  await client.untilClosed();
  assert.ok(client.channels.get(1)?.equals(bytes));
  assert.equal(client.text(3), `{"metadata":{},"status":"Success"}`);
});

test("a terminal: sizes on channel 4, text messages too", async () => {
  await using bed = await openStreamingBed();
  using client = await new Client(
    bed.exec("iot", "sh", "-c", "read line; echo got $line"),
    "v4.channel.k8s.io",
  ).opened();
  client.socket.send(`\u0004{"Width":90,"Height":30}`);
  await client.until(() => bed.runtime.sizes.length > 0);
  client.send(0, "x\n");
  await client.untilClosed();
  assert.match(client.text(1), /got x\r\n$/);
  assert.deepEqual(bed.runtime.sizes, [{ width: 90, height: 30 }]);
});

test("attach, and a client that vanishes", async () => {
  await using bed = await openStreamingBed();
  using client = await new Client(
    bed.server.getAttach({ containerId: "echo on; exec sleep 1000", ...wanted("o") }),
    "v5.channel.k8s.io",
  ).opened();
  await client.until(() => client.text(1) === "on\n");
  client.socket.terminate();
  await client.until(() => bed.runtime.running === 0);
});

test("bad input: wrong protocol, not base64, a close of no channel, an oversized message, silence", async () => {
  await using bed = await openStreamingBed({ idleTimeoutMs: 3_000 });
  const refused = new Client(bed.exec("o", "true"), "v9.channel.k8s.io");
  const [, answer] = await once(refused.socket, "unexpected-response");
  assert.equal(answer.statusCode, 403);
  answer.destroy();
  refused.socket.terminate();

  const cases: [string, (client: Client) => void, number][] = [
    ["v4.base64.channel.k8s.io", (client) => client.socket.send("0not base64!"), 1003],
    ["v5.channel.k8s.io", (client) => client.socket.send(Buffer.from([255, 99])), 1003],
    ["v5.channel.k8s.io", (client) => client.socket.send(Buffer.from([255])), 1003],
    ["v4.channel.k8s.io", (client) => client.socket.send(Buffer.alloc(5 << 20)), 1009],
    ["v4.channel.k8s.io", () => {}, 1008],
  ];
  for (const [protocol, act, code] of cases) {
    using client = await new Client(bed.exec("io", "sleep", "1000"), protocol).opened();
    act(client);
    assert.equal(await client.untilClosed(), code, `${protocol} ${code}`);
    await client.until(() => bed.runtime.running === 0);
  }
});

test("ports of the request on channels of their own", async () => {
  await using bed = await openStreamingBed();
  const server = createServer((socket) => socket.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = bed.server.getPortForward({ podSandboxId: "p", ports: [port, 1] });
  using client = await new Client(url, "v4.channel.k8s.io").opened();
  await client.until(() => client.text(3) !== "" && (client.channels.get(0)?.length ?? 0) >= 7);
  const number = (value: number) => Buffer.from([value & 0xff, value >> 8]);
  assert.deepEqual(client.channels.get(0), Buffer.concat([number(port), Buffer.from("hello")]));
  assert.deepEqual(client.channels.get(1), number(port));
  await client.until(() => (client.channels.get(3)?.length ?? 0) > 2);
  assert.match(client.channels.get(3)?.subarray(2).toString() ?? "", /^error forwarding port 1 to pod p: connect/);
  client.socket.terminate();
  server.close();
});
