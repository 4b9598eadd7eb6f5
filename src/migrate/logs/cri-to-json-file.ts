import type { ByteWriter } from "./byte-writer.ts";
import { isCriTime, toUtc } from "./cri-time.ts";
import { pieceEnd, type Line, type LineConverter } from "./line-format.ts";

const opening = Buffer.from('{"log":"');
const attrsKey = Buffer.from(',"attrs":');
const timeKey = Buffer.from(',"time":"');
/** What follows the text, by stream. */
const streams = ["stdout", "stderr"].map((name) => ({
  name: Buffer.from(name),
  whole: Buffer.from(`\\n","stream":"${name}"`),
  part: Buffer.from(`","stream":"${name}"`),
}));
const closing = Buffer.from('"}\n');
const replacement = Buffer.from("\\ufffd");
const hexDigits = Buffer.from("0123456789abcdef");
const [space, backslash, letterF, letterP, letterZ] = [0x20, 0x5c, 0x46, 0x50, 0x5a];

/** Bytes of ASCII that Docker writes as they are: all that can be seen but `"`, `\`, `<`, `>` and `&`. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && !'"\\<>&'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * CRI lines as Docker's json-file lines, escaped as Docker escapes: bytes that are not UTF-8 become `\ufffd`, and so does
 * the replacement character itself, since that is what those bytes are in a CRI log that came from Docker's.
 *
 * `attrs` gives the JSON of a record's attrs, or undefined.
 */
export function criToJsonFile(attrs: () => Uint8Array | undefined): LineConverter {
  return { convert: (line, out) => convert(line, attrs, out) };
}

function convert(line: Line, attrs: () => Uint8Array | undefined, out: ByteWriter): boolean {
  const { bytes, start, end } = line;
  const timeEnd = nextSpace(bytes, start, end);
  const streamEnd = nextSpace(bytes, timeEnd + 1, end);
  const tagEnd = nextSpace(bytes, streamEnd + 1, end);
  const tag = bytes[streamEnd + 1];
  if (tagEnd >= end || (tag !== letterF && tag !== letterP)) return false;
  const stream = streamOf(bytes, timeEnd + 1, streamEnd);
  const time = usualTime(bytes, start, timeEnd) ? undefined : utcTime(bytes, start, timeEnd);
  if (stream === undefined || time === null) return false;
  const text = { bytes, start: tagEnd + 1, end };
  let from = text.start;
  do {
    const to = pieceEnd(text, from);
    const own = attrs();
    out.reserve((to - from) * replacement.length + (own?.length ?? 0) + 128);
    put(out, opening);
    writeEscaped(bytes, from, to, out);
    put(out, tag === letterF && to === end ? stream.whole : stream.part);
    if (own !== undefined) {
      put(out, attrsKey);
      put(out, own);
    }
    put(out, timeKey);
    if (time !== undefined) put(out, time);
    else copy(out, bytes, start, timeEnd);
    put(out, closing);
    from = to;
  } while (from < end);
  return true;
}

function nextSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== space) at++;
  return at;
}

function streamOf(bytes: Uint8Array, start: number, end: number): (typeof streams)[number] | undefined {
  for (const stream of streams) {
    const { name } = stream;
    if (end - start !== name.length) continue;
    let same = 0;
    while (same < name.length && bytes[start + same] === name[same]) same++;
    if (same === name.length) return stream;
  }
  return undefined;
}

/** Whether the time is in UTC and of the usual form, to be copied as it is. */
function usualTime(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 30 || end - start < 20 || bytes[end - 1] !== letterZ || bytes[start + 10] !== 0x54) return false;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte < 0x30 || byte > 0x39) && byte !== 0x2d) return false;
  }
  return bytes[start + 19] === (end - start === 20 ? letterZ : 0x2e);
}

/** The time as the whole grammar says; null when it is none. */
function utcTime(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
  return isCriTime(text) ? Buffer.from(toUtc(text)) : null;
}

/** Short pieces: a loop is quicker than a call into the runtime. */
function put(out: ByteWriter, piece: Uint8Array): void {
  copy(out, piece, 0, piece.length);
}

function copy(out: ByteWriter, source: Uint8Array, from: number, to: number): void {
  const { bytes } = out;
  let at = out.length;
  for (let i = from; i < to; i++) bytes[at++] = source[i] ?? 0;
  out.length = at;
}

function writeEscaped(bytes: Uint8Array, from: number, to: number, out: ByteWriter): void {
  let at = from;
  while (at < to) {
    const target = out.bytes;
    let length = out.length;
    for (let byte = bytes[at] ?? 0; at < to && isPlain[byte] === 1; byte = bytes[at] ?? 0) {
      target[length++] = byte;
      at++;
    }
    out.length = length;
    if (at < to) at += (bytes[at] ?? 0) < 0x80 ? writeAscii(bytes[at] ?? 0, out) : writeCharacter(bytes, at, to, out);
  }
}

/** Docker's writer knows no other short forms than these four. */
function writeAscii(byte: number, out: ByteWriter): number {
  const { bytes } = out;
  bytes[out.length++] = backslash;
  if (byte === 0x22 || byte === backslash) bytes[out.length++] = byte;
  else if (byte === 0x0a) bytes[out.length++] = 0x6e;
  else if (byte === 0x0d) bytes[out.length++] = 0x72;
  else writeHex(byte, out);
  return 1;
}

function writeHex(byte: number, out: ByteWriter): void {
  const { bytes } = out;
  bytes[out.length++] = 0x75;
  bytes[out.length++] = 0x30;
  bytes[out.length++] = 0x30;
  bytes[out.length++] = hexDigits[byte >> 4] ?? 0;
  bytes[out.length++] = hexDigits[byte & 15] ?? 0;
}

/** One character of two to four bytes; how many bytes were read. */
function writeCharacter(bytes: Uint8Array, at: number, to: number, out: ByteWriter): number {
  const size = characterSize(bytes, at, to);
  const [first, second, third] = [bytes[at], bytes[at + 1], bytes[at + 2]];
  const isReplacement = size === 3 && first === 0xef && second === 0xbf && third === 0xbd;
  if (size === 0 || isReplacement) {
    put(out, replacement);
    return Math.max(size, 1);
  }
  // U+2028 and U+2029, which end a line in JavaScript.
  if (size === 3 && first === 0xe2 && second === 0x80 && (third === 0xa8 || third === 0xa9)) {
    put(out, Buffer.from(third === 0xa8 ? "\\u2028" : "\\u2029"));
    return 3;
  }
  for (let i = 0; i < size; i++) out.bytes[out.length++] = bytes[at + i] ?? 0;
  return size;
}

/** Bytes of the character at `at`, 0 when they are not UTF-8 (overlong forms and surrogates are not). */
function characterSize(bytes: Uint8Array, at: number, to: number): number {
  const first = bytes[at] ?? 0;
  const size =
    first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
  if (size === 0 || at + size > to) return 0;
  for (let i = 1; i < size; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] ?? 0;
  const isWrong =
    (first === 0xe0 && second < 0xa0) ||
    (first === 0xed && second > 0x9f) ||
    (first === 0xf0 && second < 0x90) ||
    (first === 0xf4 && second > 0x8f);
  return isWrong ? 0 : size;
}
