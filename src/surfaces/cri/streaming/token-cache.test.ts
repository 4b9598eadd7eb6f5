import assert from "node:assert/strict";
import test from "node:test";
import { TokenCache } from "./token-cache.ts";

test("a token is good once, until it expires, and only so many wait", () => {
  let nowMs = 0;
  const cache = new TokenCache<string>({ ttlMs: 100, maxTokens: 2, now: () => nowMs });
  const first = cache.add("a");
  assert.match(first, /^[\w-]{22}$/);
  assert.equal(cache.take("unknown"), undefined);
  assert.equal(cache.take(first), "a");
  assert.equal(cache.take(first), undefined);

  const second = cache.add("b");
  nowMs = 50;
  const third = cache.add("c");
  assert.throws(() => cache.add("d"), { kind: "resourceExhausted" });
  nowMs = 100;
  assert.equal(cache.take(second), undefined, "expired");
  assert.equal(cache.size, 1);
  cache.add("d");
  assert.equal(cache.take(third), "c");
});
