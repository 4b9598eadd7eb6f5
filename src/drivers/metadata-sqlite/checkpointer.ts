import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";

const writesBetweenLooks = 200;
const logBytes = 4 * 1024 * 1024;

/**
 * Keeps the write-ahead log short from a thread of its own: a checkpoint syncs the disk, and on a busy one that takes
 * as long as whatever else is being written to it.
 */
export class Checkpointer {
  readonly #path: string;
  #writes = 0;
  #working = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Call after each write; looks at the log now and then. Returns at once. */
  noteWrite(): void {
    if (++this.#writes < writesBetweenLooks || this.#working) return;
    this.#writes = 0;
    this.#working = true;
    // A failure is not worth a word: the next look tries again, and far beyond SQLite does it by itself.
    void this.#checkpoint()
      .catch(() => undefined)
      .finally(() => (this.#working = false));
  }

  async #checkpoint(): Promise<void> {
    const { size } = await stat(`${this.#path}-wal`);
    if (size < logBytes) return;
    const script = new URL(`./checkpoint-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(script, { workerData: this.#path });
    worker.unref();
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    worker.once("error", reject);
    worker.once("exit", () => resolve());
    await ended;
  }
}
