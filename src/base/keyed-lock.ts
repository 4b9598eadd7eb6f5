/**
 * Mutual exclusion per key, first come first served. Keys are `noun/id`; the order when more than one is needed is
 * sandbox, container, image, snapshot, never upward. Not held across a pull, an exec or a wait for an exit.
 */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Waits for `key` and holds it until the result is disposed.
   *
   * Aborting `signal` gives up the place in the queue and rejects with the signal's reason.
   */
  async acquire(key: string, signal?: AbortSignal): Promise<Disposable> {
    const before = this.#tails.get(key);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const tail = before === undefined ? released : before.then(() => released);
    this.#tails.set(key, tail);
    const done = () => {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
    if (before !== undefined) {
      try {
        await abortable(before, signal);
      } catch (error) {
        void before.then(done);
        throw error;
      }
    }
    return { [Symbol.dispose]: done };
  }

  /** Whether somebody holds `key` now. */
  isHeld(key: string): boolean {
    return this.#tails.has(key);
  }
}

/** `promise`, or a rejection with the signal's reason as soon as it is aborted; the promise itself goes on. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
