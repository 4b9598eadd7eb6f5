/**
 * A bounded queue between one producer that must not wait and one consumer that iterates.
 *
 * When `maxItems` wait, the oldest is dropped and counted in {@link dropped}: a slow subscriber loses facts, it
 * does not hold up the one who states them.
 */
export class AsyncQueue<T> implements AsyncIterable<T>, Disposable {
  readonly #items: T[] = [];
  readonly #maxItems: number;
  #wake: (() => void) | undefined;
  #closed = false;
  #error: unknown;
  dropped = 0;

  constructor(maxItems = 4096) {
    this.#maxItems = maxItems;
  }

  push(item: T): void {
    if (this.#closed) return;
    if (this.#items.length >= this.#maxItems) {
      this.#items.shift();
      this.dropped++;
    }
    this.#items.push(item);
    this.#wake?.();
  }

  /** Ends the iteration after the items that wait; with `error`, by throwing it. */
  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    try {
      for (;;) {
        while (this.#items.length > 0) yield this.#items.shift() as T;
        if (this.#error !== undefined) throw this.#error;
        if (this.#closed) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        this.#wake = undefined;
      }
    } finally {
      this.close();
    }
  }
}
