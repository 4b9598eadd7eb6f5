import { durationText } from "#base/duration-text.ts";
import { binarySizeText, sizeText } from "#base/size-text.ts";
import assert from "node:assert/strict";
import test from "node:test";
import { ellipsis, formatAgo, shortId } from "./human.ts";

test("sizes", () => {
  assert.deepEqual(
    [0, 1, 999, 1000, 1_982_000, 5_550_000, 1_234_567_890, 2e13].map((bytes) => sizeText(bytes)),
    ["0B", "1B", "999B", "1kB", "1.98MB", "5.55MB", "1.23GB", "20TB"],
  );
  assert.equal(sizeText(1_982_000, 4), "1.982MB");
  assert.deepEqual([532 * 1024, 25_276_000_000].map(binarySizeText), ["532KiB", "23.54GiB"]);
});

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

// Source: go-units duration.go and its test.
const durations: readonly (readonly [number, string])[] = [
  [450, "Less than a second"],
  [second, "1 second"],
  [47 * second, "47 seconds"],
  [minute, "About a minute"],
  [3 * minute + 20 * second, "3 minutes"],
  [35 * minute, "35 minutes"],
  [44 * minute, "44 minutes"],
  [hour, "About an hour"],
  [hour + 45 * minute, "2 hours"],
  [3 * hour + 40 * minute, "4 hours"],
  [40 * hour, "40 hours"],
  [2 * day, "2 days"],
  [13 * day, "13 days"],
  [15 * day, "2 weeks"],
  [60 * day, "2 months"],
  [23 * 30 * day, "23 months"],
  [730 * day, "2 years"],
];

for (const [ms, words] of durations) {
  test(`${ms} ms is ${words}`, () => assert.equal(durationText(ms), words));
}

test("a time ago", () => {
  assert.equal(formatAgo(1000, 1_000_000 + 5 * minute), "5 minutes ago");
  assert.equal(formatAgo(0), "N/A");
});

test("ids and long texts are cut", () => {
  assert.equal(shortId(`sha256:${"ab".repeat(32)}`), "abababababab");
  assert.equal(shortId("0f6e289be6e609b2"), "0f6e289be6e6");
  assert.equal(ellipsis("sh -c 'echo out; echo err'", 20), "sh -c 'echo out; ec…");
  assert.equal(ellipsis("short", 20), "short");
});
