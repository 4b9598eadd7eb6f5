import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#base/logger.ts";
import { messageOf } from "#base/errors.ts";
import { releaseMemory } from "./release-memory.ts";

/** Less processor time than this from one look to the next is rest: a kubelet that asks every second takes less. */
const restfulMs = 30;
/** Rest for so many looks, and memory is released. */
const restfulLooks = 3;
/** Since the last release; less than this has not touched much. A release takes about 40. */
const worthwhileMs = 300;

/**
 * Releases memory when the daemon has worked and is at rest again: after start-up, after a burst of pods, after the first
 * calls of a kubelet, which load what serves them. One that stays at rest is left alone. Settles when `signal` is aborted.
 *
 * @param ways how often it looks, and what it does then; others are for tests
 */
export async function releaseMemoryAtRest(
  log: Logger,
  signal: AbortSignal,
  ways = { lookMs: 1_000, release: releaseMemory },
): Promise<void> {
  try {
    for (let releasedAt = 0; ; releasedAt = processorMs()) {
      await worked(releasedAt, ways.lookMs, signal);
      await ways.release();
    }
  } catch (error) {
    if (!signal.aborted) log.warn({ error: messageOf(error) }, "memory is not released at rest");
  }
}

/** Waits for enough work since `sinceMs`, and for rest after it. */
async function worked(sinceMs: number, lookMs: number, signal: AbortSignal): Promise<void> {
  let before = processorMs();
  for (let quiet = 0; quiet < restfulLooks || before - sinceMs < worthwhileMs;) {
    await sleep(lookMs, undefined, { signal, ref: false });
    const now = processorMs();
    quiet = now - before < restfulMs ? quiet + 1 : 0;
    before = now;
  }
}

/** That this process has had so far. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
