import { Duplex } from "node:stream";
import type { SpdyHeaders } from "./header-block.ts";
import { SendWindow } from "./send-window.ts";
import { resetStatus } from "./spdy-error.ts";

/** What a stream needs of its session. */
export interface SpdyStreamOwner {
  /** How many of `wantedBytes` may be sent on a stream now. */
  allowance(stream: SpdyStream, wantedBytes: number): number;
  sendData(stream: SpdyStream, bytes: Buffer, sent: (error?: Error | null) => void): void;
  sendFin(stream: SpdyStream, sent: (error?: Error | null) => void): void;
  sendReply(stream: SpdyStream): void;
  sendReset(stream: SpdyStream, status: number): void;
  /** The consumer wants more than it has. */
  drained(stream: SpdyStream): void;
  /** The consumer took `bytes`: the peer may send as many again. */
  credit(stream: SpdyStream, bytes: number): void;
  forget(stream: SpdyStream): void;
}

/** Less is not worth a frame. */
const creditBytes = 16 * 1024;

type PendingWrite = { bytes: Buffer; readonly done: (error?: Error | null) => void };

/**
 * One stream of a session. `end()` closes our half; the readable side ends when the peer closes its.
 *
 * A reset by either side, and the session's end, destroy it without an error. Destroying it before both halves are
 * closed resets it. It may be left without an error listener.
 */
export class SpdyStream extends Duplex {
  readonly streamId: number;
  readonly headers: SpdyHeaders;
  /** What the peer lets us send on this stream. */
  readonly window: SendWindow;
  readonly #owner: SpdyStreamOwner;
  #pending: PendingWrite | undefined;
  #receivedBytes = 0;
  #creditedBytes = 0;
  #closedHalves = { ours: false, theirs: false };

  constructor(owner: SpdyStreamOwner, options: { streamId: number; headers: SpdyHeaders; windowBytes: number }) {
    super({ allowHalfOpen: true, highWaterMark: 64 * 1024, emitClose: true });
    this.#owner = owner;
    this.streamId = options.streamId;
    this.headers = options.headers;
    this.window = new SendWindow(options.windowBytes);
    this.on("error", () => {});
  }

  /** Answers the peer's request for this stream. */
  accept(): void {
    this.#owner.sendReply(this);
  }

  /** Ends both halves, with a reason for the peer. */
  reset(status: number): void {
    if (this.destroyed) return;
    this.#owner.sendReset(this, status);
    this.#closedHalves = { ours: true, theirs: true };
    this.destroy();
  }

  /** The session's: data and end that the peer sent. */
  receive(bytes: Buffer, fin: boolean): void {
    if (this.destroyed || this.#closedHalves.theirs) return;
    this.#receivedBytes += bytes.length;
    if (bytes.length > 0) this.push(bytes);
    if (!fin) return;
    this.#closedHalves.theirs = true;
    this.push(null);
  }

  /** The session's: the peer reset the stream, or the session has ended. */
  abandon(): void {
    this.#closedHalves = { ours: true, theirs: true };
    this.destroy();
  }

  /** The session's: tries to send again what waited for the peer's window. */
  pump(): void {
    const write = this.#pending;
    if (write === undefined) return;
    const allowed = this.#owner.allowance(this, write.bytes.length);
    if (allowed <= 0) return;
    const piece = write.bytes.subarray(0, allowed);
    write.bytes = write.bytes.subarray(allowed);
    if (write.bytes.length === 0) this.#pending = undefined;
    this.#owner.sendData(this, piece, (error) => {
      if (write.bytes.length === 0 || error) write.done(error);
      else this.pump();
    });
  }

  override _read(): void {
    this.#owner.drained(this);
    const taken = this.#receivedBytes - this.readableLength - this.#creditedBytes;
    if (taken < creditBytes) return;
    this.#creditedBytes += taken;
    this.#owner.credit(this, taken);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0) {
      done();
      return;
    }
    this.#pending = { bytes: chunk, done };
    this.pump();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#closedHalves.ours = true;
    this.#owner.sendFin(this, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { ours, theirs } = this.#closedHalves;
    if (!ours || !theirs) this.#owner.sendReset(this, resetStatus.cancel);
    this.#owner.forget(this);
    this.#pending?.done(new Error(`spdy stream ${this.streamId}: closed`));
    this.#pending = undefined;
    done(error);
  }
}
