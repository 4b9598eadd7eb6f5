import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { takeFirstSize } from "./first-size.ts";

const [small, large] = [
  { width: 80, height: 24 },
  { width: 200, height: 50 },
];

async function* after(ms: number) {
  await sleep(ms);
  yield small;
  yield large;
}

test("a size that comes at once is the first, one that does not is not waited for, and none is lost", async () => {
  const soon = await takeFirstSize(after(0));
  assert.deepEqual([soon.first, await Array.fromAsync(soon.others)], [small, [large]]);
  const late = await takeFirstSize(after(300));
  assert.deepEqual([late.first, await Array.fromAsync(late.others)], [undefined, [small, large]]);
});
