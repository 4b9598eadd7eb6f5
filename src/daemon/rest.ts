import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#base/logger.ts";
import { messageOf } from "#base/errors.ts";
import type { EventBus } from "#core/events/event-bus.ts";
import { releaseMemory } from "./release-memory.ts";

/** Without an event for so long, the daemon is at rest. */
const quietMs = 3_000;
/** So that a container whose health is asked for every few seconds does not cost a collection each time. */
const pauseMs = 10_000;

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
  for (;;) {
    const before = events.publishedCount;
    await sleep(quietMs, undefined, { signal, ref: false });
    if (events.publishedCount === before) return before;
  }
}

async function publishedAfter(events: EventBus, count: number, signal: AbortSignal): Promise<void> {
  using subscription = events.subscribe(signal);
  if (events.publishedCount > count) return;
  await subscription[Symbol.asyncIterator]().next();
  signal.throwIfAborted();
}
