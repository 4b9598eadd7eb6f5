import assert from "node:assert/strict";
import test from "node:test";
import { LruCache } from "./lru-cache.ts";

test("the least recently used goes when the weights are too much together", () => {
  const cache = new LruCache<string, number>(10);
  cache.put("a", 1, 4);
  cache.put("b", 2, 4);
  assert.equal(cache.find("a"), 1);
  cache.put("c", 3, 4);
  assert.deepEqual(
    ["a", "b", "c"].map((key) => cache.find(key)),
    [1, undefined, 3],
  );
  cache.put("huge", 4, 11);
  assert.deepEqual([cache.find("huge"), cache.find("a")], [undefined, 1]);
  cache.put("a", 5, 9);
  assert.deepEqual([cache.find("a"), cache.find("c")], [5, undefined]);
  cache.delete("a");
  cache.put("d", 6, 10);
  assert.equal(cache.find("d"), 6);
});
