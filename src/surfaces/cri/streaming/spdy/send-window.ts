import { SpdyError } from "./spdy-error.ts";

/** What a peer grants before it says otherwise. Source: SPDY/3.1 draft, 2.6.8. */
export const defaultWindowBytes = 64 * 1024;

const maxWindowBytes = 0x7fffffff;

/** How much may still be sent to a peer, on a stream or in the session. May be below zero after a setting shrank it. */
export class SendWindow {
  #leftBytes: number;

  constructor(initialBytes: number) {
    this.#leftBytes = initialBytes;
  }

  get leftBytes(): number {
    return this.#leftBytes;
  }

  take(bytes: number): void {
    this.#leftBytes -= bytes;
  }

  /** @throws SpdyError when the window becomes larger than the protocol allows */
  grant(bytes: number): void {
    if (this.#leftBytes + bytes > maxWindowBytes) throw new SpdyError("window too large");
    this.#leftBytes += bytes;
  }
}
