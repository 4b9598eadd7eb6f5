import { watch, type FSWatcher } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { punchHole } from "./syscalls.ts";

/** Bytes that are read at a time. */
const chunkBytes = 64 * 1024;
/** Blocks are given back when this much was read. */
const holeBytes = 1024 * 1024;

/**
 * The file that a shim appends one stream of a process to, read as it grows. What was read is given back to the disk.
 */
export class Spool implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #watcher: FSWatcher;
  readonly #buffer = Buffer.allocUnsafeSlow(chunkBytes);
  #readTo: number;
  #freedTo = 0;

  private constructor(file: FileHandle, watcher: FSWatcher, readTo: number) {
    this.#file = file;
    this.#watcher = watcher;
    this.#readTo = readTo;
  }

  /** `onGrown` is called when there may be more to read. */
  static async open(path: string, from: number, onGrown: () => void): Promise<Spool> {
    const file = await open(path, "r+");
    const watcher = watch(path, { persistent: false }, onGrown);
    watcher.on("error", () => {});
    return new Spool(file, watcher, from);
  }

  /** Bytes read so far. */
  get readTo(): number {
    return this.#readTo;
  }

  /** The next bytes, a copy; empty when there are none yet. */
  async read(): Promise<Buffer> {
    const { bytesRead } = await this.#file.read(this.#buffer, 0, chunkBytes, this.#readTo);
    this.#readTo += bytesRead;
    return Buffer.from(this.#buffer.subarray(0, bytesRead));
  }

  /** Nothing before `offset` is needed any more. */
  free(offset: number): void {
    const end = Math.floor(offset / holeBytes) * holeBytes;
    if (end <= this.#freedTo) return;
    punchHole(this.#file.fd, this.#freedTo, end - this.#freedTo);
    this.#freedTo = end;
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
