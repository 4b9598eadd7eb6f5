import { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { IdleTimer } from "../idle-timer.ts";
import type { ChannelCoding } from "../protocols.ts";

export type WebSocketChannelsOptions = {
  /** The channels' from now on. */
  readonly socket: WebSocket;
  readonly coding: ChannelCoding;
  /** Channels are numbered from 0. */
  readonly count: number;
  /** Without a message in either direction for so long, the connection ends. 0: never. */
  readonly idleTimeoutMs: number;
};

/** Source: RFC 6455, 7.4.1. */
const closeCode = { normal: 1000, unsupportedData: 1003, policyViolation: 1008 } as const;

const closeChannel = 255;

/** A channel with more than this unread stops the reading of the whole connection. */
const maxUnreadBytes = 256 * 1024;

/** While nothing is read, the only way to notice that the client is gone is to write to it. */
const stalledPingMs = 10_000;

/** How long a client has to answer a close. */
const lingerMs = 5_000;

/**
 * Numbered byte streams in the messages of one WebSocket: a message is a channel's number and its bytes.
 *
 * The stream of a channel ends when the client closes it (with protocols that can say so) or goes away; ending our half
 * says nothing to the client, which no protocol can. All are destroyed, without an error, when the connection ends.
 */
export class WebSocketChannels implements Disposable {
  readonly streams: readonly Duplex[];
  readonly #options: WebSocketChannelsOptions;
  readonly #idle: IdleTimer;
  readonly #ended = new AbortController();
  /** Channels that the client has closed. */
  readonly #closed = new Set<Duplex>();
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: WebSocketChannelsOptions) {
    this.#options = options;
    const { socket } = options;
    this.streams = Array.from({ length: options.count }, (_, number) => this.#channel(number));
    this.#idle = new IdleTimer(options.idleTimeoutMs, () => this.#fail(closeCode.policyViolation));
    socket.on("message", (data) => this.#receive(toBuffer(data)));
    socket.on("error", () => this[Symbol.dispose]());
    socket.on("close", () => this[Symbol.dispose]());
  }

  /** Aborts when the connection has ended, for whatever reason. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Tells the client that a channel is there, with a message without bytes. */
  announce(number: number): void {
    this.#send(number, Buffer.alloc(0), () => {});
  }

  /** Closes the connection after all that was sent. */
  async close(): Promise<void> {
    if (this.ended.aborted) return;
    const { socket } = this.#options;
    socket.resume();
    socket.close(closeCode.normal);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, lingerMs);
    this.ended.addEventListener("abort", () => resolve());
    await promise;
    clearTimeout(timer);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.ended.aborted) return;
    this.#ended.abort();
    this.#idle[Symbol.dispose]();
    clearInterval(this.#stalled);
    for (const stream of this.streams) stream.destroy();
    this.#options.socket.terminate();
  }

  #channel(number: number): Duplex {
    const stream = new Duplex({
      allowHalfOpen: true,
      highWaterMark: 64 * 1024,
      read: () => this.#resume(),
      write: (chunk: Buffer, _encoding, done) => this.#send(number, chunk, done),
    });
    stream.on("error", () => {});
    stream.once("close", () => this.#resume());
    return stream;
  }

  #send(number: number, bytes: Buffer, sent: (error?: Error | null) => void): void {
    this.#idle.touch();
    const { socket, coding } = this.#options;
    const digit = String.fromCharCode(0x30 + number);
    if (coding.base64) socket.send(digit + bytes.toString("base64"), { binary: false }, sent);
    else socket.send(Buffer.concat([Buffer.from([number]), bytes]), { binary: true }, sent);
  }

  #receive(message: Buffer): void {
    this.#idle.touch();
    if (message.length === 0) return;
    const { coding } = this.#options;
    const first = message.readUInt8(0);
    if (coding.closeSignal && first === closeChannel) return this.#closeChannel(message);
    const bytes = coding.base64 ? decodeBase64(message.subarray(1)) : message.subarray(1);
    if (bytes === undefined) return this.#fail(closeCode.unsupportedData);
    const stream = this.streams[coding.base64 ? first - 0x30 : first];
    if (stream === undefined || stream.destroyed || this.#closed.has(stream) || bytes.length === 0) return;
    stream.push(bytes);
    if (stream.readableLength > maxUnreadBytes) this.#stall();
  }

  #closeChannel(message: Buffer): void {
    const stream = this.streams[message.length === 2 ? message.readUInt8(1) : closeChannel];
    if (stream === undefined) return this.#fail(closeCode.unsupportedData);
    if (stream.destroyed || this.#closed.has(stream)) return;
    this.#closed.add(stream);
    stream.push(null);
  }

  #stall(): void {
    if (this.#stalled !== undefined || this.ended.aborted) return;
    const { socket } = this.#options;
    socket.pause();
    this.#stalled = setInterval(() => socket.ping(), stalledPingMs).unref();
  }

  #resume(): void {
    if (this.#stalled === undefined || this.ended.aborted) return;
    if (this.streams.some((stream) => !stream.destroyed && stream.readableLength > maxUnreadBytes)) return;
    clearInterval(this.#stalled);
    this.#stalled = undefined;
    this.#options.socket.resume();
  }

  #fail(code: number): void {
    this.#options.socket.close(code);
    this[Symbol.dispose]();
  }
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** Undefined when `text` is not padded base64. */
function decodeBase64(text: Buffer): Buffer | undefined {
  const latin = text.toString("latin1");
  if (latin.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(latin)) return undefined;
  return Buffer.from(latin, "base64");
}
