import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { EngineError } from "#base/errors.ts";
import type { BlobReader } from "#core/content/content-store.ts";

const pieceBytes = 256 * 1024;

/** A blob's open file. `release` runs once, when it is disposed. */
export class FsBlobReader implements BlobReader {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  readonly #release: () => Promise<void>;
  #closed = false;

  constructor(blob: { path: string; sizeBytes: number; handle: FileHandle; release: () => Promise<void> }) {
    this.path = blob.path;
    this.sizeBytes = blob.sizeBytes;
    this.#handle = blob.handle;
    this.#release = blob.release;
  }

  async read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const length = Math.max(0, Math.min(lengthBytes, this.sizeBytes - offset));
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  stream(range: { start?: number; end?: number } = {}): Readable {
    const start = range.start ?? 0;
    const end = Math.min(range.end ?? this.sizeBytes, this.sizeBytes);
    return Readable.from(this.#pieces(start, end), { objectMode: false, highWaterMark: pieceBytes });
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end;) {
      const piece = await this.read(at, Math.min(pieceBytes, end - at));
      if (piece.length === 0) throw new EngineError("dataLoss", `content ${this.path}: shorter than its record says`);
      at += piece.length;
      yield piece;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
    await this.#release();
  }
}
