import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asserts that what `read` answers becomes deeply equal to `expected` within `withinMs`.
 *
 * For what ends by itself after the call that ended it has settled: a monitor's last steps, a removed cgroup.
 */
export async function eventuallyEqual<T>(read: () => Promise<T>, expected: T, withinMs = 60_000): Promise<void> {
  for (const end = performance.now() + withinMs; ;) {
    const actual = await read();
    try {
      assert.deepEqual(actual, expected);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(20);
  }
}
