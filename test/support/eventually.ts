import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

/**
 * What `read` answers once it has answered the same ten times in a row, a tenth of a second apart: a state in which
 * nothing is removed behind any more. The last answer when that takes over a minute.
 */
export async function settled<T>(read: () => Promise<T>): Promise<T> {
  let last = await read();
  for (let tries = 0, agreed = 0; tries < 600 && agreed < 10; tries++) {
    await sleep(100);
    const now = await read();
    agreed = isDeepStrictEqual(now, last) ? agreed + 1 : 0;
    last = now;
  }
  return last;
}

/**
 * Asserts that what `read` answers becomes deeply equal to `expected` within `withinMs`.
 *
 * For what ends by itself after the call that ended it has settled: a monitor's last steps, a removed cgroup.
 */
export async function eventuallyEqual<T>(read: () => Promise<T>, expected: T, withinMs = 60_000): Promise<void> {
  await eventuallyPasses(async () => assert.deepEqual(await read(), expected), withinMs);
}

/** Makes the assertions of `check` until they hold. @throws what it threw last, once `withinMs` are over */
export async function eventuallyPasses(check: () => Promise<void>, withinMs = 60_000): Promise<void> {
  for (const end = performance.now() + withinMs; ;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(20);
  }
}
