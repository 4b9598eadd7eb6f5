import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import type { LogFile } from "./log-files.ts";

/** Where to begin: `offset` in the first file, and how many whole lines from there to pass over. */
export type LogStart = { readonly files: readonly LogFile[]; readonly offset: number; readonly skipLines: number };

/** Further lines read before the first one wanted: pieces of it may stand between other lines. */
const slackLines = 64;
const chunkBytes = 64 * 1024;

/** Finds the last `count` lines, reading from the end no further than needed. */
export async function findTail(files: readonly LogFile[], count: number): Promise<LogStart> {
  const wanted = count + slackLines;
  let found = 0;
  for (let at = files.length - 1; at >= 0; at--) {
    const file = files[at];
    if (file === undefined) break;
    const tail = file.compressed ? await countCompressed(file.path) : await scanBack(file.path, wanted - found);
    found += tail.lines;
    if (found >= wanted || at === 0)
      return { files: files.slice(at), offset: tail.offset, skipLines: Math.max(0, found - count) };
  }
  return { files, offset: 0, skipLines: 0 };
}

type Tail = { lines: number; offset: number };

/** Whole lines are entries with tag F. */
async function scanBack(path: string, wanted: number): Promise<Tail> {
  await using handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return { lines: 0, offset: 0 };
  let lines = 0;
  let end = (await handle.stat()).size;
  // Bytes after `end` that belong to an entry whose beginning is not read yet.
  let carried = Buffer.alloc(0);
  while (end > 0) {
    const begin = Math.max(0, end - chunkBytes);
    const chunk = Buffer.alloc(end - begin);
    await handle.read(chunk, 0, chunk.length, begin);
    const data = Buffer.concat([chunk, carried]);
    let entryEnd = data.length;
    for (
      let at = data.lastIndexOf(0x0a, data.length - 1);
      at >= 0;
      at = at === 0 ? -1 : data.lastIndexOf(0x0a, at - 1)
    ) {
      if (at + 1 < entryEnd && isWhole(data.subarray(at + 1, entryEnd))) lines++;
      entryEnd = at + 1;
      if (lines >= wanted) return { lines, offset: begin + entryEnd };
    }
    // An entry's head is enough to tell.
    carried = Buffer.from(data.subarray(0, Math.min(entryEnd, 128)));
    end = begin;
  }
  if (carried.length > 0 && isWhole(carried)) lines++;
  return { lines, offset: 0 };
}

/** A compressed file can only be read whole. */
async function countCompressed(path: string): Promise<Tail> {
  let lines = 0;
  let rest = Buffer.alloc(0);
  const stream = createReadStream(path).pipe(createGunzip());
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const data = Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, at)) {
      if (isWhole(data.subarray(at, end))) lines++;
      at = end + 1;
    }
    rest = Buffer.from(data.subarray(at));
  }
  return { lines, offset: 0 };
}

function isWhole(entry: Buffer): boolean {
  const second = entry.indexOf(0x20, entry.indexOf(0x20) + 1);
  return second > 0 && entry[second + 1] === 0x46;
}
