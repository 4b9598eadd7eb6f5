import type { FileHandle } from "node:fs/promises";

const blockBytes = 512 * 1024;

/**
 * Appends to a file in large pieces: bytes are copied into one block while the other is on its way to the disk.
 *
 * Bytes begin their way at once; {@link append} waits only when both blocks are full. One append at a time.
 */
export class AppendFile {
  readonly #handle: FileHandle;
  #position: number;
  #block = Buffer.allocUnsafeSlow(blockBytes);
  #spare = Buffer.allocUnsafeSlow(blockBytes);
  #filled = 0;
  #flight: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.#position = position;
  }

  /** Takes a copy of `chunk`; `onCopy` sees exactly the bytes that go to the disk. @throws what an earlier write met */
  async append(chunk: Uint8Array, onCopy: (piece: Uint8Array) => void): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      while (this.#filled === blockBytes) await this.#flight;
      this.#throwFailure();
      const piece = chunk.subarray(at, at + blockBytes - this.#filled);
      this.#block.set(piece, this.#filled);
      onCopy(this.#block.subarray(this.#filled, this.#filled + piece.length));
      this.#filled += piece.length;
      at += piece.length;
      this.#flight ??= this.#fly();
    }
  }

  /** Waits until all that was appended is in the file. @throws what a write met */
  async flush(): Promise<void> {
    while (this.#flight !== undefined) await this.#flight;
    this.#throwFailure();
  }

  /** Cuts the file to `sizeBytes` and goes on from there; a write that failed behind it is forgotten. @throws what one before it met */
  async cut(sizeBytes: number): Promise<void> {
    while (this.#flight !== undefined) await this.#flight;
    if (sizeBytes > this.#position) this.#throwFailure();
    await this.#handle.truncate(sizeBytes);
    this.#failure = undefined;
    this.#position = sizeBytes;
  }

  /** Never rejects: the failure is thrown to the next caller, and nothing more is written. */
  async #fly(): Promise<void> {
    while (this.#filled > 0 && this.#failure === undefined) {
      const data = this.#block.subarray(0, this.#filled);
      [this.#block, this.#spare, this.#filled] = [this.#spare, this.#block, 0];
      try {
        await this.#writeAll(data);
      } catch (error) {
        this.#failure = { error };
      }
    }
    this.#filled = 0;
    this.#flight = undefined;
  }

  async #writeAll(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length;) {
      const { bytesWritten } = await this.#handle.write(data, at, data.length - at, this.#position);
      at += bytesWritten;
      this.#position += bytesWritten;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
