import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#base/logger.ts";
import { messageOf } from "#base/errors.ts";
import type { EventBus } from "#core/events/event-bus.ts";
import { releaseMemory } from "./release-memory.ts";

/** Without an event in so many looks, one a second, the daemon is at rest. */
const quietLooks = 3;
const lookMs = 1_000;
/** So that a container whose health is asked for every few seconds does not cost a collection each time. */
const pauseMs = 5_000;

/**
 * Releases memory when nothing has happened for a while: once after start-up, and after whatever happened since. A daemon
 * that stays at rest is left alone. Settles when `signal` is aborted.
 */
export async function releaseMemoryAtRest(events: EventBus, log: Logger, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      const published = await quiet(events, signal);
      await releaseMemory();
      await sleep(pauseMs, undefined, { signal, ref: false });
      await publishedAfter(events, published, signal);
    }
  } catch (error) {
    if (!signal.aborted) log.warn({ error: messageOf(error) }, "memory is not released at rest");
  }
}

/** Waits until nothing happens; answers how much has happened by then. */
async function quiet(events: EventBus, signal: AbortSignal): Promise<number> {
  let before = events.publishedCount;
  for (let looks = 0; looks < quietLooks; looks++) {
    await sleep(lookMs, undefined, { signal, ref: false });
    if (events.publishedCount !== before) looks = -1;
    before = events.publishedCount;
  }
  return before;
}

async function publishedAfter(events: EventBus, count: number, signal: AbortSignal): Promise<void> {
  using subscription = events.subscribe(signal);
  if (events.publishedCount > count) return;
  await subscription[Symbol.asyncIterator]().next();
  signal.throwIfAborted();
}
