import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf, ignoreMissing } from "#base/errors.ts";
import { syncDirectory } from "#base/atomic-file.ts";
import { hexOf, type Digest } from "#core/content/digest.ts";

/** Blobs of an OCI layout: on disk and whole before they have their name. */
export class LayoutBlobs {
  readonly #blobs: string;
  readonly #temporary: string;

  constructor(directory: string) {
    this.#blobs = join(directory, "blobs/sha256");
    this.#temporary = join(directory, ".ferry-incomplete");
  }

  /** Makes the directories, and takes away what a run that was cut short left. */
  async open(): Promise<void> {
    await mkdir(this.#blobs, { recursive: true });
    await rm(this.#temporary, { recursive: true, force: true });
    await mkdir(this.#temporary, { mode: 0o700 });
  }

  async close(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    const found = await stat(join(this.#blobs, hexOf(digest))).catch(ignoreMissing);
    return found?.isFile() === true ? found.size : undefined;
  }

  /** Keeps `chunks`, which end only if they are what `digest` says, under that name. */
  async write(digest: Digest, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const path = join(this.#temporary, hexOf(digest));
    try {
      await writeBehind(path, chunks);
      await rename(path, join(this.#blobs, hexOf(digest)));
      await syncDirectory(this.#blobs);
    } catch (error) {
      await rm(path, { force: true });
      if (errnoOf(error) !== "ENOSPC") throw error;
      throw new EngineError("resourceExhausted", `${this.#blobs}: no space left on the disk`, { cause: error });
    }
  }
}

/** The next chunk is made while the one before goes to the file. */
async function writeBehind(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  await using file = await open(path, "wx", 0o644);
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of chunks) {
      await writing;
      writing = file.appendFile(chunk);
      // Its failure is told by the next await.
      writing.catch(() => {});
    }
  } finally {
    await writing;
  }
  await file.sync();
}
