import { SingleFlight } from "#base/single-flight.ts";
import type { Digest } from "#core/content/digest.ts";

/** Hears how far a blob has come. */
export type BytesListener = (currentBytes: number) => void;

/** Downloads under way in the whole engine: who wants a blob that is on its way waits for it, and hears of it too. */
export class BlobFlights {
  readonly #flights = new SingleFlight<void>();
  readonly #listeners = new Map<Digest, Set<BytesListener>>();

  /**
   * Runs `work` unless the blob is on its way already. `owned` tells whether it was this caller's work, so that a
   * failure of somebody else's (whose credentials may be worse) can be tried again.
   */
  async run(
    digest: Digest,
    signal: AbortSignal,
    listener: BytesListener,
    work: (signal: AbortSignal, report: BytesListener) => Promise<void>,
  ): Promise<{ owned: boolean; error?: unknown }> {
    const listeners = this.#listeners.get(digest) ?? new Set();
    this.#listeners.set(digest, listeners);
    listeners.add(listener);
    let owned = false;
    try {
      await this.#flights.run(digest, signal, async (shared) => {
        owned = true;
        await work(shared, (currentBytes) => {
          for (const listen of listeners) listen(currentBytes);
        });
      });
      return { owned };
    } catch (error) {
      signal.throwIfAborted();
      return { owned, error };
    } finally {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(digest) === listeners) this.#listeners.delete(digest);
    }
  }
}
