import { abortable } from "./keyed-lock.ts";

/** At most `max` holders at a time, first come first served. */
export class Limiter {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #held = 0;

  constructor(max: number) {
    if (!Number.isInteger(max) || max < 1) throw new Error(`limiter: max must be a positive integer, not ${max}`);
    this.#max = max;
  }

  /** Waits for a place and holds it until the result is disposed; aborting `signal` gives up the wait. */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#held < this.#max) this.#held++;
    else await this.#queue(signal);
    let open = true;
    return {
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        const next = this.#waiting.shift();
        if (next === undefined) this.#held--;
        else next();
      },
    };
  }

  async #queue(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await abortable(promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(resolve);
      // The place may have been handed over in the same turn: pass it on.
      if (at >= 0) this.#waiting.splice(at, 1);
      else {
        const next = this.#waiting.shift();
        if (next === undefined) this.#held--;
        else next();
      }
      throw error;
    }
  }
}
