import { closeSync, openSync, statSync, statfsSync, truncateSync, writeSync } from "node:fs";

const sizeBytes = 2 << 20;
/** Let go at a time, enough for a few records: whoever fills the disk may take it as well. */
const stepBytes = 64 << 10;
/** How often a reserve that was let go is tried to be taken in again. */
const refillMs = 1_000;

/**
 * Space on the database's disk that is held, to be let go of when the disk is full: what makes room again (a container
 * removed, an image) is written to the database first.
 *
 * Its I/O is synchronous, as the database's is: a single write at the start, and when a full disk has space again.
 */
export class DiskReserve implements Disposable {
  readonly #path: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the space if the disk has it, and more besides. */
  fill(): boolean {
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.size === sizeBytes) return true;
      const { bavail, bsize } = statfsSync(this.#path.slice(0, this.#path.lastIndexOf("/")));
      if (bavail * bsize < 2 * sizeBytes) return false;
      const file = openSync(this.#path, "w", 0o600);
      try {
        return writeSync(file, Buffer.alloc(sizeBytes)) === sizeBytes;
      } finally {
        closeSync(file);
      }
    } catch {
      // Without it everything works as long as there is space.
      return false;
    }
  }

  /** Lets go of some of it; answers whether it held any. It is taken in again when there is enough. */
  release(): boolean {
    const held = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (held === 0) return false;
    truncateSync(this.#path, Math.max(0, held - stepBytes));
    this.#timer ??= setInterval(() => {
      if (this.fill()) this.close();
    }, refillMs).unref();
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
