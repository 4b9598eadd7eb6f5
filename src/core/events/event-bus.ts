import { AsyncQueue } from "#base/async-queue.ts";
import { nowNs, type UnixNs } from "#base/clock.ts";
import type { Event } from "./event.ts";

const historyLength = 1024;
const subscriberQueueLength = 8192;

/** Facts in the order they were published. A subscriber that falls behind loses the oldest; none holds up a publisher. */
export class EventBus {
  readonly #history: Event[] = [];
  readonly #subscribers = new Set<AsyncQueue<Event>>();

  /** Subscriptions that are open now. */
  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  publish(event: Omit<Event, "timeNs"> & { timeNs?: UnixNs }): void {
    const dated: Event = { ...event, timeNs: event.timeNs ?? nowNs() };
    this.#history.push(dated);
    if (this.#history.length > historyLength) this.#history.shift();
    for (const queue of this.#subscribers) queue.push(dated);
  }

  /**
   * Events from now on, those since `sinceNs` that are remembered first; ends when `signal` is aborted.
   * Subscribed when this returns, not at the first iteration.
   */
  subscribe(signal: AbortSignal, sinceNs?: UnixNs): AsyncIterable<Event> & Disposable {
    const queue = new AsyncQueue<Event>(subscriberQueueLength);
    if (sinceNs !== undefined) for (const event of this.#history) if (event.timeNs >= sinceNs) queue.push(event);
    this.#subscribers.add(queue);
    const close = () => {
      this.#subscribers.delete(queue);
      signal.removeEventListener("abort", close);
      queue.close();
    };
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
    return {
      [Symbol.dispose]: close,
      async *[Symbol.asyncIterator]() {
        try {
          yield* queue;
        } finally {
          close();
        }
      },
    };
  }
}
