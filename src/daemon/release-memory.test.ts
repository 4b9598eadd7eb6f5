import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { releaseMemory, unusedCode } from "./release-memory.ts";

const smaps = `00400000-0082e000 r--p 00000000 fe:00 5316813                            /opt/node
Rss:                4280 kB
Anonymous:             0 kB
0082e000-03489000 r-xp 0042e000 fe:00 5316813                            /opt/node
Rss:               27036 kB
Anonymous:             0 kB
072a7000-072dc000 r--p 06ea7000 fe:00 5316813                            /opt/relocated
Rss:                1056 kB
Anonymous:            24 kB
072dc000-07308000 rw-p 06edc000 fe:00 5316813                            /opt/node
Rss:                1176 kB
Anonymous:             0 kB
07308000-08000000 r--p 00000000 fe:00 77                                 /opt/hardly touched
Rss:                  16 kB
Anonymous:             0 kB
7f0000000000-7f0000200000 r-xp 00000000 00:00 0 
Rss:                2048 kB
Anonymous:             0 kB
7f0000200000-7f0000400000 r--s 00000000 fe:00 9                          /opt/shared
Rss:                2048 kB
Anonymous:             0 kB
`;

test("drops only what can be read again from its file", () => {
  assert.deepEqual(unusedCode(smaps), [
    { start: 0x400000, length: 0x42e000 },
    { start: 0x82e000, length: 0x2c5b000 },
  ]);
  assert.deepEqual(unusedCode(""), []);
});

test("a process that gave memory back has less mapped, and works on", async () => {
  const before = mappedKb();
  await releaseMemory();
  const after = mappedKb();
  assert.ok(after < before / 2, `${before} kB of files were mapped, ${after} kB still are`);
  assert.equal(new Intl.NumberFormat("de").format(1234.5), "1.234,5");
});

function mappedKb(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}
