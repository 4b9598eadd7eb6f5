import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

/** Far more than anything takes, for a machine that has twenty other things to do: a bound, not an expectation. */
const withinMs = 120_000;

/** Waits until `holds`. @throws Error with `what` when that does not come about */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + withinMs; !(await holds()); await sleep(20))
    if (performance.now() > end) throw new Error(`still not: ${what}`);
}

/**
 * Waits until what `read` answers is deeply equal to `expected`.
 *
 * For what ends by itself after the call that ended it has settled: a monitor's last steps, a removed cgroup.
 */
export async function eventuallyEqual<T>(read: () => T | Promise<T>, expected: T): Promise<void> {
  await eventuallyPasses(async () => assert.deepEqual(await read(), expected));
}

/** Makes the assertions of `check` until they hold. @throws what it threw last */
export async function eventuallyPasses(check: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + withinMs; ; await sleep(20)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

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
