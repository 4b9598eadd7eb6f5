import assert from "node:assert/strict";
import test from "node:test";
import { excerptOf } from "./place.ts";

const excerpts: readonly (readonly [text: string, shown: string])[] = [
  ["  two\n  lines ", "two lines"],
  ["url https://user:pass@host/x", "url https://***@host/x"],
  ["DB_PASSWORD: hunter22", "DB_PASSWORD: ***"],
  ['"api_key" = "abcdef123"', '"api_key" = ***'],
  ["token: true", "token: true"],
  ["x".repeat(300), `${"x".repeat(199)}…`],
];

test("an excerpt is one line, cut, without credentials", () => {
  for (const [text, shown] of excerpts) assert.equal(excerptOf(text), shown);
});
