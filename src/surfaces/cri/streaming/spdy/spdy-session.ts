import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { IdleTimer } from "../idle-timer.ts";
import { initialWindowSetting, type SpdyFrame } from "./frame.ts";
import { SpdyFrameReader } from "./frame-reader.ts";
import { encodeDataHead, SpdyFrameWriter } from "./frame-writer.ts";
import { defaultWindowBytes, SendWindow } from "./send-window.ts";
import { goAwayStatus, resetStatus, SpdyError } from "./spdy-error.ts";
import { SpdyStream, type SpdyStreamOwner } from "./spdy-stream.ts";

export type SpdySessionOptions = {
  /** The session's from now on. */
  readonly transport: Duplex;
  /** What was read from the transport already. */
  readonly head: Buffer;
  readonly maxStreams: number;
  /** Without a frame in either direction for so long, the session ends. 0: never. */
  readonly idleTimeoutMs: number;
  /** The peer wants a stream: `accept()` or `reset()` it. */
  readonly onStream: (stream: SpdyStream) => void;
};

/** A stream with more than this unread stops the session's reading: peers that heed no window are held up by TCP. */
const maxUnreadBytes = 256 * 1024;

/** Answers that a peer has us write while it does not read. */
const maxUnsentControlBytes = 256 * 1024;

/** Largest data frame we send, so that streams take turns. */
const maxPieceBytes = 64 * 1024;

/** While nothing is read, the only way to notice that the peer is gone is to write to it. */
const stalledPingMs = 10_000;

/** A server's are even. */
const ownPingId = 2;

/** How long a peer has to close after all was sent. Old clients lose what they have not read when we close first. */
const lingerMs = 5_000;

/**
 * The server's end of a SPDY/3.1 session.
 *
 * Go's clients neither send nor heed WINDOW_UPDATE. So their data is held up by not reading the transport, and ours by
 * its writes; a peer's window binds us once it has shown (by SETTINGS or WINDOW_UPDATE) that it keeps one.
 *
 * Source: SPDY/3.1 draft; how Kubernetes' clients behave: moby/spdystream, connection.go.
 */
export class SpdySession implements SpdyStreamOwner, Disposable {
  readonly #transport: Duplex;
  readonly #options: SpdySessionOptions;
  readonly #reader = new SpdyFrameReader();
  readonly #writer = new SpdyFrameWriter();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #full = new Set<SpdyStream>();
  readonly #idle: IdleTimer;
  readonly #ended = new AbortController();
  readonly #window = new SendWindow(defaultWindowBytes);
  #streamWindowBytes = defaultWindowBytes;
  #peerKeepsWindows = false;
  #lastStreamId = 0;
  #goneAway = false;
  #unsentControlBytes = 0;
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: SpdySessionOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#idle = new IdleTimer(options.idleTimeoutMs, () => this.#end(goAwayStatus.ok));
    this.#transport.on("error", () => this[Symbol.dispose]());
    this.#transport.on("close", () => this[Symbol.dispose]());
    this.#transport.on("end", () => this[Symbol.dispose]());
    if (options.head.length > 0) this.#transport.unshift(options.head);
    this.#transport.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  /** Aborts when the session has ended, for whatever reason. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Says that no more comes, gives the peer a while to close, then closes. Streams should have been ended before. */
  async close(): Promise<void> {
    if (this.ended.aborted) return;
    this.#goneAway = true;
    this.#control({ t: "goAway", lastGoodStreamId: this.#lastStreamId, status: goAwayStatus.ok });
    await this.#endsWithin(lingerMs);
    this.#transport.end();
    await this.#endsWithin(lingerMs);
    this[Symbol.dispose]();
  }

  /** Ends everything at once. */
  [Symbol.dispose](): void {
    if (this.ended.aborted) return;
    this.#ended.abort();
    this.#idle[Symbol.dispose]();
    clearInterval(this.#stalled);
    for (const stream of this.#streams.values()) stream.abandon();
    this.#transport.destroy();
  }

  allowance(stream: SpdyStream, wantedBytes: number): number {
    const wanted = Math.min(wantedBytes, maxPieceBytes);
    return this.#peerKeepsWindows ? Math.min(wanted, stream.window.leftBytes, this.#window.leftBytes) : wanted;
  }

  sendData(stream: SpdyStream, bytes: Buffer, sent: (error?: Error | null) => void): void {
    stream.window.take(bytes.length);
    this.#window.take(bytes.length);
    this.#idle.touch();
    this.#transport.cork();
    this.#transport.write(encodeDataHead(stream.streamId, bytes.length, false));
    this.#transport.write(bytes, sent);
    this.#transport.uncork();
  }

  sendFin(stream: SpdyStream, sent: (error?: Error | null) => void): void {
    this.#idle.touch();
    this.#transport.write(encodeDataHead(stream.streamId, 0, true), sent);
  }

  sendReply({ streamId }: SpdyStream): void {
    this.#control({ t: "synReply", streamId, fin: false, headers: new Map() });
  }

  sendReset({ streamId }: { streamId: number }, status: number): void {
    this.#control({ t: "rstStream", streamId, status });
  }

  credit(stream: SpdyStream, bytes: number): void {
    for (const streamId of [stream.streamId, 0]) this.#control({ t: "windowUpdate", streamId, deltaBytes: bytes });
  }

  drained(stream: SpdyStream): void {
    if (stream.readableLength <= maxUnreadBytes && this.#full.delete(stream)) this.#resume();
  }

  forget(stream: SpdyStream): void {
    this.#streams.delete(stream.streamId);
    if (this.#full.delete(stream)) this.#resume();
  }

  #receive(chunk: Buffer): void {
    // We have closed, maybe because what comes cannot be understood.
    if (this.#transport.writableEnded) return;
    this.#idle.touch();
    try {
      for (const frame of this.#reader.read(chunk)) {
        if (this.ended.aborted) return;
        this.#handle(frame);
      }
    } catch (error) {
      if (!(error instanceof SpdyError)) throw error;
      this.#end(goAwayStatus.protocolError);
    }
    if (this.#full.size > 0) this.#stall();
  }

  #handle(frame: SpdyFrame): void {
    switch (frame.t) {
      case "synStream":
        return this.#open(frame);
      case "data":
        return this.#deliver(frame);
      case "rstStream":
        return this.#streams.get(frame.streamId)?.abandon();
      case "ping":
        return frame.pingId % 2 !== ownPingId % 2 ? this.#control(frame) : undefined;
      case "goAway":
        this.#goneAway = true;
        return;
      case "settings":
      case "windowUpdate":
        return this.#grant(frame);
      // We open no streams, and read no headers after the first.
      case "synReply":
      case "headers":
        return;
      default:
        return frame satisfies never;
    }
  }

  #open(frame: Extract<SpdyFrame, { t: "synStream" }>): void {
    const { streamId, headers, fin } = frame;
    if (this.#goneAway) return;
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId) throw new SpdyError(`stream ${streamId} out of turn`);
    this.#lastStreamId = streamId;
    if (this.#streams.size >= this.#options.maxStreams) return this.sendReset(frame, resetStatus.refusedStream);
    const stream = new SpdyStream(this, { streamId, headers, windowBytes: this.#streamWindowBytes });
    this.#streams.set(streamId, stream);
    this.#options.onStream(stream);
    if (fin) stream.receive(Buffer.alloc(0), true);
  }

  #deliver({ streamId, bytes, fin }: Extract<SpdyFrame, { t: "data" }>): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      // Sent before the peer knew that the stream is over.
      if (streamId > this.#lastStreamId) this.sendReset({ streamId }, resetStatus.invalidStream);
      return;
    }
    stream.receive(bytes, fin);
    if (stream.readableLength > maxUnreadBytes) this.#full.add(stream);
  }

  #grant(frame: Extract<SpdyFrame, { t: "settings" | "windowUpdate" }>): void {
    this.#peerKeepsWindows = true;
    if (frame.t === "windowUpdate") {
      const window = frame.streamId === 0 ? this.#window : this.#streams.get(frame.streamId)?.window;
      window?.grant(frame.deltaBytes);
    } else {
      const initial = frame.settings.find(({ settingId }) => settingId === initialWindowSetting);
      const change = initial === undefined ? 0 : initial.value - this.#streamWindowBytes;
      this.#streamWindowBytes += change;
      for (const stream of this.#streams.values()) stream.window.grant(change);
    }
    for (const stream of this.#streams.values()) stream.pump();
  }

  #control(frame: Exclude<SpdyFrame, { t: "data" }>): void {
    if (this.ended.aborted || this.#transport.writableEnded) return;
    if (this.#unsentControlBytes > maxUnsentControlBytes) return this[Symbol.dispose]();
    this.#idle.touch();
    const bytes = this.#writer.encode(frame);
    this.#unsentControlBytes += bytes.length;
    this.#transport.write(bytes, () => {
      this.#unsentControlBytes -= bytes.length;
    });
  }

  #stall(): void {
    if (this.#stalled !== undefined || this.ended.aborted) return;
    this.#transport.pause();
    this.#stalled = setInterval(() => {
      this.#control({ t: "ping", pingId: ownPingId });
    }, stalledPingMs).unref();
  }

  #resume(): void {
    if (this.#full.size > 0 || this.#stalled === undefined || this.ended.aborted) return;
    clearInterval(this.#stalled);
    this.#stalled = undefined;
    this.#transport.resume();
  }

  /** Says why, and lets that be written before the transport goes. */
  #end(status: number): void {
    this.#control({ t: "goAway", lastGoodStreamId: this.#lastStreamId, status });
    this.#transport.end(() => this[Symbol.dispose]());
    void this.#endsWithin(lingerMs).then(() => this[Symbol.dispose]());
    for (const stream of this.#streams.values()) stream.abandon();
  }

  async #endsWithin(timeoutMs: number): Promise<void> {
    await sleep(timeoutMs, undefined, { signal: this.ended, ref: false }).catch(() => {});
  }
}
