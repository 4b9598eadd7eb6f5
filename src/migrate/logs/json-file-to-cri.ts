import type { ByteWriter } from "./byte-writer.ts";
import { longestRecordBytes, pieceEnd, type Line, type LineConverter } from "./line-format.ts";
import { parseJsonFileRecord, type JsonFileRecord } from "./json-file-record.ts";

const opening = Buffer.from('{"log":"');
const timeKey = Buffer.from(',"time":"');
const streams = [Buffer.from('","stream":"stdout"'), Buffer.from('","stream":"stderr"')] as const;
const streamNames = [Buffer.from(" stdout "), Buffer.from(" stderr ")] as const;
const [whole, part, lineBreak] = [Buffer.from("F "), Buffer.from("P "), Buffer.from("\n")];
const [quote, backslash, newline, letterN, letterU] = [0x22, 0x5c, 0x0a, 0x6e, 0x75];
const [letterF, letterP, space] = [0x46, 0x50, 0x20];

/** By byte; -1 where there is none. A line's end is not among them: it has a meaning of its own here. */
const shortEscapes = Int8Array.from({ length: 256 }, (_, byte) => {
  const at = '"\\/bfrt'.indexOf(String.fromCharCode(byte));
  return at < 0 ? -1 : (Buffer.from('"\\/\b\f\r\t')[at] ?? -1);
});
const hexValues = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return digit;
});

/**
 * Docker's json-file lines as CRI lines: `{"log":"text\n","stream":"stdout","time":"T"}` becomes `T stdout F text`, one
 * record for each. A `log` without its newline is a part of a longer line and gets the tag `P`.
 *
 * `onAttrs` hears of each written line's `attrs` (their JSON, or undefined for none): CRI has no place for them.
 * Sources: moby `daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go`, kubernetes `pkg/kubelet/kuberuntime/logs`.
 */
export function jsonFileToCri(onAttrs: OnAttrs): LineConverter {
  return {
    convert: (line, out) => {
      if (convertUsual(line, out)) {
        onAttrs(undefined);
        return true;
      }
      const record = parseJsonFileRecord(line);
      if (record === undefined) return false;
      writeRecord(record, onAttrs, out);
      return true;
    },
  };
}

/** The form dockerd writes, one line without attrs: nearly all lines of nearly all logs. */
function convertUsual({ bytes, start, end }: Line, out: ByteWriter): boolean {
  if (end - start > longestRecordBytes || bytes[end - 1] !== 0x7d || bytes[end - 2] !== quote) return false;
  let timeStart = end - 3;
  while (timeStart > start && bytes[timeStart] !== quote) timeStart--;
  timeStart++;
  if (bytes[end - 3] !== 0x5a || !matches(bytes, timeStart - timeKey.length, timeKey)) return false;
  const streamEnd = timeStart - timeKey.length;
  const stream = matches(bytes, streamEnd - streams[0].length, streams[0])
    ? 0
    : matches(bytes, streamEnd - streams[1].length, streams[1])
      ? 1
      : -1;
  const textStart = start + opening.length;
  let textEnd = streamEnd - streams[0].length;
  if (stream < 0 || textEnd < textStart || !matches(bytes, start, opening)) return false;
  const isWhole = bytes[textEnd - 1] === letterN && bytes[textEnd - 2] === backslash && textEnd - 2 >= textStart;
  if (isWhole) textEnd -= 2;
  out.reserve(end - start);
  const target = out.bytes;
  let at = out.length;
  for (let i = timeStart; i < end - 2; i++) target[at++] = bytes[i] ?? 0;
  const name = streamNames[stream === 0 ? 0 : 1];
  for (let i = 0; i < name.length; i++) target[at++] = name[i] ?? 0;
  target[at++] = isWhole ? letterF : letterP;
  target[at++] = space;
  for (let i = textStart; i < textEnd; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === quote) return false;
    if (byte !== backslash) target[at++] = byte;
    else {
      const code = escapedCode(bytes, i + 1, textEnd);
      if (code < 0) return false;
      i += bytes[i + 1] === letterU ? 5 : 1;
      at = putCharacter(target, at, code);
    }
  }
  target[at++] = newline;
  out.length = at;
  return true;
}

/** What the escape whose letter is at `at` stands for; -1 for a line's end, half of a pair, and what is no escape. */
function escapedCode(bytes: Uint8Array, at: number, end: number): number {
  const letter = bytes[at] ?? 0;
  if (at >= end) return -1;
  if (letter !== letterU) return shortEscapes[letter] ?? -1;
  let code = 0;
  for (let i = at + 1; i < at + 5; i++) {
    const digit = i < end ? (hexValues[bytes[i] ?? 0] ?? -1) : -1;
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code === newline || (code >= 0xd800 && code < 0xe000) ? -1 : code;
}

/** In UTF-8; never longer than its escape. */
function putCharacter(target: Uint8Array, start: number, code: number): number {
  let at = start;
  if (code < 0x80) target[at++] = code;
  else if (code < 0x800) target[at++] = 0xc0 | (code >> 6);
  else {
    target[at++] = 0xe0 | (code >> 12);
    target[at++] = 0x80 | ((code >> 6) & 0x3f);
  }
  if (code >= 0x80) target[at++] = 0x80 | (code & 0x3f);
  return at;
}

function matches(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  if (at < 0) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

type OnAttrs = (attrs: string | undefined) => void;

function writeRecord({ text, stream, time, attrs }: JsonFileRecord, onAttrs: OnAttrs, out: ByteWriter): void {
  const prefix = Buffer.from(`${time} ${stream} `);
  let start = 0;
  do {
    const lineEnd = text.indexOf(newline, start);
    const end = lineEnd < 0 ? text.length : lineEnd;
    let from = start;
    do {
      const to = pieceEnd({ bytes: text, start, end }, from);
      onAttrs(attrs);
      out.append(prefix);
      out.append(lineEnd >= 0 && to === end ? whole : part);
      out.append(text.subarray(from, to));
      out.append(lineBreak);
      from = to;
    } while (from < end);
    start = lineEnd < 0 ? text.length : lineEnd + 1;
  } while (start < text.length);
}
