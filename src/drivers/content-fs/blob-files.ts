import { rm, stat } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";
import type { KeyedLock } from "#base/keyed-lock.ts";
import type { ContentIndex } from "#core/content/content-index.ts";
import type { Digest } from "#core/content/digest.ts";
import type { ContentLayout } from "./content-layout.ts";

/** Takes blobs' files away: when no record names them, and nobody reads them. */
export class BlobFiles {
  readonly #layout: ContentLayout;
  readonly #index: ContentIndex;
  readonly #locks: KeyedLock;
  readonly #readers = new Map<Digest, number>();
  /** To go when the last reader has. */
  readonly #doomed = new Set<Digest>();

  constructor(layout: ContentLayout, index: ContentIndex, locks: KeyedLock) {
    this.#layout = layout;
    this.#index = index;
    this.#locks = locks;
  }

  /** Keeps the file on disk until the result is called. */
  hold(digest: Digest): () => Promise<void> {
    this.#readers.set(digest, (this.#readers.get(digest) ?? 0) + 1);
    return async () => {
      const left = (this.#readers.get(digest) ?? 1) - 1;
      if (left > 0) this.#readers.set(digest, left);
      else this.#readers.delete(digest);
      if (left === 0 && this.#doomed.delete(digest)) await this.removeUnnamed(digest);
    };
  }

  /** Removes the file unless a record names it; a file that is read goes later. Answers its bytes, undefined when it stays. */
  async removeUnnamed(digest: Digest): Promise<number | undefined> {
    using _lock = await this.#locks.acquire(digest);
    if ((await this.#index.findAnywhere(digest)) !== undefined) return undefined;
    if (this.#readers.has(digest)) {
      this.#doomed.add(digest);
      return undefined;
    }
    return await this.remove(digest);
  }

  /** Removes the file whatever names it; the caller knows that nothing else is at work. */
  async remove(digest: Digest): Promise<number | undefined> {
    const sizeBytes = await this.sizeBytes(digest);
    if (sizeBytes !== undefined) await rm(this.#layout.blobPath(digest), { force: true });
    return sizeBytes;
  }

  async sizeBytes(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#layout.blobPath(digest))).size;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}
