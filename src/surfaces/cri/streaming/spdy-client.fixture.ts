import { connect, type Socket } from "node:net";
import { eventually } from "#test/support/eventually.ts";
import type { SpdyFrame } from "./spdy/frame.ts";
import { SpdyFrameReader } from "./spdy/frame-reader.ts";
import { encodeDataHead, SpdyFrameWriter } from "./spdy/frame-writer.ts";

export type ClientStream = { bytes: Buffer; fin: boolean; replied: boolean; resetStatus: number | undefined };

/** A client as bare as can be: it does what a test says, and remembers what the server sends. */
export class SpdyClient implements Disposable {
  readonly socket: Socket;
  readonly frames: SpdyFrame[] = [];
  readonly #streams = new Map<number, ClientStream>();
  readonly #reader = new SpdyFrameReader();
  readonly #writer = new SpdyFrameWriter();
  #nextStreamId = 1;
  /** Status line and headers of the answer. */
  head = "";
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => (this.closed = true));
  }

  /** Asks for an upgrade at `url`; anything but 101 is answered too, in `head`. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<SpdyClient> {
    const { hostname, port, pathname } = new URL(url);
    const client = new SpdyClient(connect({ host: hostname, port: Number(port) }));
    const all = {
      Host: hostname,
      Connection: "Upgrade",
      Upgrade: "SPDY/3.1",
      "X-Stream-Protocol-Version": "v4.channel.k8s.io",
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    client.socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join("")}Content-Length: 0\r\n\r\n`);
    await client.#readHead();
    return client;
  }

  get status(): number {
    return Number(this.head.split(" ")[1]);
  }

  /** Asks for a stream; see `stream` for what became of it. */
  open(headers: Record<string, string>): number {
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.send({ t: "synStream", streamId, fin: false, headers: new Map(Object.entries(headers)) });
    return streamId;
  }

  send(frame: Exclude<SpdyFrame, { t: "data" }>): void {
    this.socket.write(this.#writer.encode(frame));
  }

  write(streamId: number, data: string | Buffer, fin = false): void {
    const bytes = Buffer.from(data);
    this.socket.write(Buffer.concat([encodeDataHead(streamId, bytes.length, fin), bytes]));
  }

  stream(streamId: number): ClientStream {
    const known = this.#streams.get(streamId) ?? {
      bytes: Buffer.alloc(0),
      fin: false,
      replied: false,
      resetStatus: undefined,
    };
    this.#streams.set(streamId, known);
    return known;
  }

  /** Waits until `holds` does, looking every few milliseconds. */
  async until(holds: () => boolean): Promise<void> {
    await eventually(String(holds), () => {
      if (holds()) return true;
      if (this.closed) throw new Error("connection closed");
      return false;
    });
  }

  async untilClosed(): Promise<void> {
    await eventually("the connection is closed", () => this.closed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #readHead(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = Buffer.alloc(0);
    this.socket.on("close", resolve);
    this.socket.on("data", (chunk: Buffer) => {
      if (this.head !== "") return this.#receive(chunk);
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.head = seen.subarray(0, end).toString("latin1");
      resolve();
      if (this.status === 101) this.#receive(seen.subarray(end + 4));
    });
    await promise;
  }

  #receive(chunk: Buffer): void {
    if (this.status !== 101) return;
    for (const frame of this.#reader.read(chunk)) {
      this.frames.push(frame);
      if (!("streamId" in frame)) continue;
      const stream = this.stream(frame.streamId);
      if (frame.t === "synReply") stream.replied = true;
      if (frame.t === "rstStream") stream.resetStatus = frame.status;
      if (frame.t !== "data") continue;
      stream.bytes = Buffer.concat([stream.bytes, frame.bytes]);
      if (frame.fin) stream.fin = true;
    }
  }
}
