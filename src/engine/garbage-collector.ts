import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { GarbageSchedule } from "#core/garbage/garbage-schedule.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { Engine } from "./engine.ts";

export type GarbageCollectorOptions = {
  /** From the first {@link GarbageCollector.schedule} to the collection, so that many deletions share one. */
  readonly delayMs: number;
  /** At least this often, whether asked or not: leases expire by themselves. */
  readonly intervalMs: number;
};

const defaults: GarbageCollectorOptions = { delayMs: 2000, intervalMs: 60 * 60 * 1000 };

/** Collects garbage soon after something was deleted, and from time to time. The daemon runs one. */
export class GarbageCollector implements GarbageSchedule {
  readonly #call: Call;
  readonly #engine: Pick<Engine, "graph" | "content" | "snapshotters" | "locks">;
  readonly #options: GarbageCollectorOptions;
  #due = Promise.withResolvers<void>();

  /** `call` lends its log; its namespace means nothing here. */
  constructor(
    call: Call,
    engine: Pick<Engine, "graph" | "content" | "snapshotters" | "locks">,
    options: Partial<GarbageCollectorOptions> = {},
  ) {
    this.#call = call;
    this.#engine = engine;
    this.#options = { ...defaults, ...options };
  }

  schedule(): void {
    this.#due.resolve();
  }

  /** Works until `signal` is aborted, and returns when a collection that was at work has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#untilDue(signal);
      if (signal.aborted) return;
      // What is deleted from now on asks for another one.
      this.#due = Promise.withResolvers<void>();
      await this.#collect({ ...this.#call, signal });
    }
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const timers = new AbortController();
    const wait = async (ms: number) => {
      const options = { signal: AbortSignal.any([signal, timers.signal]), ref: false };
      await sleep(ms, undefined, options).catch(() => undefined);
    };
    await Promise.race([
      wait(this.#options.intervalMs),
      this.#due.promise.then(async () => await wait(this.#options.delayMs)),
    ]);
    timers.abort();
  }

  async #collect(call: Call): Promise<void> {
    const startedAt = performance.now();
    try {
      const { removed, removedBytes } = await collectGarbage(call, this.#engine);
      const durationMs = Math.round(performance.now() - startedAt);
      const message = `garbage: ${removed.length} records and ${removedBytes} bytes removed`;
      if (removed.length > 0 || removedBytes > 0) call.log.info({ durationMs }, message);
    } catch (error) {
      if (!call.signal.aborted) call.log.error({}, `garbage: collection failed: ${messageOf(error)}`);
    }
  }
}
