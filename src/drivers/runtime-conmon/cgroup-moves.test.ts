import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { requireRoot } from "#test/support/require.ts";
import { moveNowhere } from "./cgroup-moves.ts";

test("a move to where the process is leaves it there", async (t) => {
  if (!requireRoot(t)) return;
  const before = await readFile("/proc/self/cgroup", "utf8");
  await moveNowhere();
  assert.equal(await readFile("/proc/self/cgroup", "utf8"), before);
});
