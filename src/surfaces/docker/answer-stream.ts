import { once } from "node:events";
import type { ServerResponse } from "node:http";

/**
 * The body of an answer that is written piece by piece, never faster than the client reads.
 *
 * Nothing is sent before the first {@link write} or {@link flush}: until then the route may still fail with a status.
 */
export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #contentType: string;
  #started = false;

  constructor(response: ServerResponse, options: { signal: AbortSignal; contentType: string }) {
    this.#response = response;
    this.#signal = options.signal;
    this.#contentType = options.contentType;
  }

  get started(): boolean {
    return this.#started;
  }

  /** A header of the answer; before the first write only. */
  header(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  /** Sends status and headers now. */
  flush(): void {
    if (this.#started) return;
    this.#started = true;
    this.#response.statusCode = 200;
    this.#response.setHeader("Content-Type", this.#contentType);
    this.#response.flushHeaders();
  }

  /** Rejects with the signal's reason once the client has gone. */
  async write(chunk: string | Uint8Array): Promise<void> {
    this.flush();
    this.#signal.throwIfAborted();
    if (this.#response.write(chunk)) return;
    await once(this.#response, "drain", { signal: this.#signal });
  }

  /** Sends what a later piece replaces anyhow: dropped while the client does not read. */
  offer(chunk: string | Uint8Array): void {
    this.flush();
    if (!this.#response.writableNeedDrain && !this.#signal.aborted) this.#response.write(chunk);
  }

  /** Everything was said. */
  end(): void {
    this.flush();
    this.#response.end();
  }

  /** Cuts the answer off, so that the client sees that it is not whole. */
  destroy(): void {
    this.#response.destroy();
  }
}
