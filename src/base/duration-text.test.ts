import assert from "node:assert/strict";
import test from "node:test";
import { durationText } from "./duration-text.ts";

test("tells spans as docker ps does", () => {
  const minute = 60_000;
  const hour = 60 * minute;
  const day = 24 * hour;
  for (const [ms, text] of [
    [0, "Less than a second"],
    [1000, "1 second"],
    [59_999, "59 seconds"],
    [minute, "About a minute"],
    [2 * minute, "2 minutes"],
    [59 * minute, "59 minutes"],
    [hour, "About an hour"],
    [hour + 29 * minute, "About an hour"],
    [hour + 30 * minute, "2 hours"],
    [47 * hour, "47 hours"],
    [2 * day, "2 days"],
    [13 * day, "13 days"],
    [14 * day, "2 weeks"],
    [60 * day, "2 months"],
    [730 * day, "2 years"],
  ] as const) {
    assert.equal(durationText(ms), text, String(ms));
  }
});
