import assert from "node:assert/strict";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";

test("reads detach keys", async () => {
  assert.deepEqual([...parseDetachKeys("")], [16, 17]);
  assert.deepEqual([...parseDetachKeys("ctrl-a,x,ctrl-]")], [1, 120, 29]);
  await fails("invalidArgument", (async () => parseDetachKeys("ctrl-ä"))(), /Invalid detach keys/);
});

test("finds the keys over the edges of chunks, and passes on what only looked like them", () => {
  const scan = (...chunks: number[][]) => {
    const scanner = new DetachScanner(Buffer.from([16, 17]));
    return chunks.map((chunk) => {
      const { pass, detached } = scanner.scan(Buffer.from(chunk));
      return [[...pass], detached];
    });
  };
  assert.deepEqual(scan([1, 2]), [[[1, 2], false]]);
  assert.deepEqual(scan([1, 16, 17, 9]), [[[1], true]]);
  assert.deepEqual(scan([16], [17]), [
    [[], false],
    [[], true],
  ]);
  assert.deepEqual(scan([16], [5]), [
    [[], false],
    [[16, 5], false],
  ]);
  assert.deepEqual(scan([16, 16, 17]), [[[16], true]]);
});
