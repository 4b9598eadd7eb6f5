import assert from "node:assert/strict";
import test from "node:test";
import { defaultDetachKeys, DetachScanner, parseDetachKeys } from "./detach-keys.ts";

test("keys", () => {
  assert.deepEqual([...parseDetachKeys(defaultDetachKeys)], [16, 17]);
  assert.deepEqual([...parseDetachKeys("a,ctrl-[,ctrl-@")], [97, 27, 0]);
  assert.throws(() => parseDetachKeys("ctrl-1"), /unknown key 'ctrl-1'/);
});

const typed: readonly (readonly [string, readonly string[], string, boolean])[] = [
  ["passes on what is none", ["ab"], "ab", false],
  ["both at once", ["ab\x10\x11"], "ab", true],
  ["one after the other", ["\x10", "\x11"], "", true],
  ["a beginning that goes on otherwise", ["\x10", "x"], "\x10x", false],
  ["a beginning twice", ["\x10\x10\x11"], "\x10", true],
];

for (const [name, chunks, sent, detached] of typed) {
  test(`scanner: ${name}`, () => {
    const scanner = new DetachScanner(parseDetachKeys(defaultDetachKeys));
    const results = chunks.map((chunk) => scanner.scan(Buffer.from(chunk)));
    assert.equal(Buffer.concat(results.map(({ send }) => send)).toString(), sent);
    assert.equal(results.at(-1)?.detached, detached);
  });
}
