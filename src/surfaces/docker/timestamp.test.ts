import assert from "node:assert/strict";
import test from "node:test";
import { nowNs } from "#base/clock.ts";
import { fails } from "#test/support/fails.ts";
import { parseDuration, parseTimestamp } from "./timestamp.ts";

test("reads the forms of a time that Docker's clients send", () => {
  const noon = 1_795_262_400_000_000_000n;
  for (const [text, time] of [
    ["1795262400", noon],
    ["1795262400.5", noon + 500_000_000n],
    ["1795262400.000000001", noon + 1n],
    ["2026-11-21T12:00:00Z", noon],
    ["2026-11-21T13:00:00+01:00", noon],
    ["2026-11-21T12:00", noon],
    ["2026-11-21T12:00:00", noon],
    ["2026-11-21", noon - 43_200_000_000_000n],
    ["", undefined],
  ] as const) {
    assert.equal(parseTimestamp(text, "since"), time, text);
  }
});

test("a duration is a time before now", async () => {
  const before = parseTimestamp("1h30m", "until") ?? 0n;
  assert.ok(nowNs() - before - 5_400_000_000_000n < 5_000_000_000n);
  assert.equal(parseDuration("1.5s"), 1_500_000_000n);
  assert.equal(parseDuration("10"), undefined);
  await fails("invalidArgument", (async () => parseTimestamp("yesterday", "since"))(), /invalid value for "since"/);
});
