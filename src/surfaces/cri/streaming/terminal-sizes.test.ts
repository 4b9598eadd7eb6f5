import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import test from "node:test";
import { parseTerminalSize, readTerminalSizes, splitSizes } from "./terminal-sizes.ts";

test("what is a size", () => {
  const table: [string, unknown][] = [
    [`{"Width":80,"Height":24}`, { width: 80, height: 24 }],
    [`\n {"Height":1,"Width":65535}`, { width: 65535, height: 1 }],
    [`{"Width":80}`, undefined],
    [`{"Width":65536,"Height":24}`, undefined],
    [`{"Width":-1,"Height":24}`, undefined],
    [`{"Width":"80","Height":24}`, undefined],
    [`80x24}`, undefined],
  ];
  for (const [text, size] of table) assert.deepEqual(parseTerminalSize(text), size, text);
  assert.deepEqual(splitSizes(`{1}{2}\n{3`), { found: ["{1}", "{2}"], rest: "\n{3" });
});

test("sizes end with their source, at nonsense, and at what never ends", async () => {
  const good = `{"Width":80,"Height":24}`;
  const table: [string, number][] = [
    [good, 1],
    [`${good}${good.replace("80", "0").replace("24", "0")}`, 1],
    [`{}`, 0],
    ["x".repeat(2000), 0],
    ["", 0],
  ];
  for (const [text, count] of table) {
    const source = new PassThrough();
    const sizes = readTerminalSizes(source);
    source.end(text);
    assert.equal((await Array.fromAsync(sizes)).length, count, text.slice(0, 40));
  }
  assert.deepEqual(await Array.fromAsync(readTerminalSizes(undefined)), []);
});
