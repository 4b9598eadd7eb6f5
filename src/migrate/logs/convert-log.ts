import { ByteWriter } from "./byte-writer.ts";
import type { LineConverter } from "./line-format.ts";

/** What a conversion came to. */
export type ConvertedLog = {
  lines: number;
  readBytes: number;
  writtenBytes: number;
  /** Lines of another format, left out. */
  malformed: number;
  /** Numbers of the first few of those, from 1. */
  readonly malformedLines: number[];
};

/** Lines longer than this are not taken for lines; Docker's own are at most some 100 KB. */
const longestLineBytes = 64 << 20;
const newline = 0x0a;

/**
 * Converts a log piece by piece, yielding what to write. A last line without its end (the writer was cut off) is taken as
 * a line. Memory is bounded by the longest line.
 *
 * @returns counts, also while it goes on, in `counts`
 */
export async function* convertLog(
  input: AsyncIterable<Uint8Array>,
  converter: LineConverter,
  counts: ConvertedLog,
): AsyncGenerator<Buffer> {
  const out = new ByteWriter();
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of input) {
    counts.readBytes += chunk.length;
    // Only the line that two chunks share is copied.
    const firstEnd = rest.length === 0 ? 0 : chunk.indexOf(newline) + 1;
    if (rest.length > 0) rest = Buffer.concat([rest, chunk.subarray(0, firstEnd || chunk.length)]);
    if (rest.length > 0 && firstEnd > 0) convertLines(rest, converter, { out, counts });
    if (rest.length === 0 || firstEnd > 0) {
      const taken = convertLines(chunk.subarray(firstEnd), converter, { out, counts });
      rest = chunk.subarray(firstEnd + taken);
    }
    if (rest.length > longestLineBytes) {
      note(counts);
      rest = new Uint8Array();
    }
    if (out.length > 0) yield count(counts, out.take());
  }
  if (rest.length > 0) convertLine({ bytes: rest, start: 0, end: rest.length }, converter, { out, counts });
  if (out.length > 0) yield count(counts, out.take());
}

export function noLines(): ConvertedLog {
  return { lines: 0, readBytes: 0, writtenBytes: 0, malformed: 0, malformedLines: [] };
}

type Result = { readonly out: ByteWriter; readonly counts: ConvertedLog };

/** How many bytes whole lines took. */
function convertLines(bytes: Uint8Array, converter: LineConverter, result: Result): number {
  let start = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    convertLine({ bytes, start, end }, converter, result);
    start = end + 1;
  }
  return start;
}

function convertLine(line: Parameters<LineConverter["convert"]>[0], converter: LineConverter, { out, counts }: Result) {
  if (converter.convert(line, out)) counts.lines++;
  else note(counts);
}

function note(counts: ConvertedLog): void {
  counts.malformed++;
  if (counts.malformedLines.length < 5) counts.malformedLines.push(counts.lines + counts.malformed);
}

function count(counts: ConvertedLog, piece: Buffer): Buffer {
  counts.writtenBytes += piece.length;
  return piece;
}
