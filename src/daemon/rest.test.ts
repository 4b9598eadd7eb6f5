import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "#base/logger.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { releaseMemoryAtRest } from "./rest.ts";

test("work is followed by a release, rest by none; it ends with its signal, without a word", async () => {
  const ending = new AbortController();
  const warnings: string[] = [];
  let releases = 0;
  const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
  const ways = { lookMs: 100, release: async () => void releases++ };
  const running = releaseMemoryAtRest(log, ending.signal, ways);
  work(400);
  await eventuallyEqual(() => releases, 1);
  await sleep(1_000);
  assert.equal(releases, 1);
  work(400);
  await eventuallyEqual(() => releases, 2);
  ending.abort();
  await running;
  assert.deepEqual(warnings, []);
});

/** Of processor time, which on a busy machine is not the clock's. */
function work(ms: number): void {
  const { user } = process.cpuUsage();
  while (process.cpuUsage().user - user < ms * 1000);
}
