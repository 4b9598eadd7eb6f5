import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "#base/logger.ts";
import { EventBus } from "#core/events/event-bus.ts";
import { releaseMemoryAtRest } from "./rest.ts";

test("ends with its signal, without a word and without a subscription", async () => {
  const events = new EventBus();
  const ending = new AbortController();
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
  const running = releaseMemoryAtRest(events, log, ending.signal);
  await sleep(10);
  ending.abort();
  await running;
  assert.deepEqual([warnings, events.subscriberCount], [[], 0]);
});
