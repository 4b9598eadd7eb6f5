import { LruCache } from "#base/lru-cache.ts";
import type { Descriptor } from "#core/content/descriptor.ts";

/** Bytes of JSON that the kept documents were, together; decoded they take about three times as much. */
const maxBytes = 4 * 1024 * 1024;

/**
 * Decoded manifests, indexes and configs. What a digest names never changes, so nothing is ever out of date; whether a
 * namespace has the content is the reader's to ask.
 */
export class DocumentCache {
  readonly #documents = new LruCache<string, object>(maxBytes);

  /** The document of `descriptor`, by `decode` where it is not kept. One descriptor always has the same `decode`. */
  async read<T extends object>(descriptor: Descriptor, decode: () => Promise<T>): Promise<T> {
    const key = `${descriptor.mediaType} ${descriptor.digest}`;
    const kept = this.#documents.find(key);
    if (kept !== undefined) return kept as T;
    const document = await decode();
    this.#documents.put(key, document, descriptor.sizeBytes);
    return document;
  }
}
