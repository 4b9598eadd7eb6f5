import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { frameBytes, zstdFrames } from "./zstd-frames.ts";

const bytes = Buffer.alloc(frameBytes * 9 + 12_345, "some words, again and again; ");

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

test("frames in a row are one stream, the same however it came", async () => {
  const whole = await collect(zstdFrames([bytes]));
  assert.deepEqual(zstdDecompressSync(whole), bytes);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 70_001) pieces.push(bytes.subarray(at, at + 70_001));
  assert.deepEqual(await collect(zstdFrames(pieces)), whole);
  const first = await collect(zstdFrames([bytes.subarray(0, frameBytes)]));
  assert.deepEqual(whole.subarray(0, first.length), first);
  assert.equal((await collect(zstdFrames([]))).length, 0);
});

test("what cannot be packed comes through whole", async () => {
  const noise = randomBytes(frameBytes * 20 + 1);
  assert.deepEqual(zstdDecompressSync(await collect(zstdFrames([noise]))), noise);
});

test("a source that fails is not packed to its end", async () => {
  function* failing() {
    yield bytes;
    throw new Error("broken");
  }
  await assert.rejects(collect(zstdFrames(failing())), /broken/);
});
