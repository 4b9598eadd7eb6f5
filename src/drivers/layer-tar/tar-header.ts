import { EngineError } from "#base/errors.ts";
import type { ByteString, SparseChunk } from "./tar-entry.ts";

export const blockBytes = 512;

/** A 512-byte header as it stands. Sources: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format". */
export type TarHeader = {
  readonly name: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly typeflag: string;
  readonly linkName: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
};

export function isZeroBlock(block: Buffer, at: number): boolean {
  for (let i = at; i < at + blockBytes; i++) if (block[i] !== 0) return false;
  return true;
}

/** @throws dataLoss on a wrong checksum or a field that is no number */
export function parseHeader(block: Buffer, at: number): TarHeader {
  verifyChecksum(block, at);
  const magic = block.toString("latin1", at + 257, at + 265);
  const ustar = magic.startsWith("ustar\0");
  const gnu = magic === "ustar  \0";
  const name = text(block, at, 100);
  // Old GNU headers keep times and the sparse map where ustar has the prefix.
  const prefix = ustar ? text(block, at + 345, 155) : "";
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(block, at + 100, 8) & 0o7777,
    uid: number(block, at + 108, 8),
    gid: number(block, at + 116, 8),
    sizeBytes: number(block, at + 124, 12),
    mtimeSeconds: number(block, at + 136, 12),
    typeflag: String.fromCharCode(block[at + 156] ?? 0),
    linkName: text(block, at + 157, 100),
    devMajor: ustar || gnu ? number(block, at + 329, 8) : 0,
    devMinor: ustar || gnu ? number(block, at + 337, 8) : 0,
  };
}

/** Old GNU sparse header: first chunks of the map, size of the whole file, whether more map follows. */
export function parseGnuSparse(block: Buffer, at: number): { chunks: SparseChunk[]; realSize: number; more: boolean } {
  return {
    chunks: sparseChunks(block, at + 386, 4),
    more: block[at + 482] !== 0,
    realSize: number(block, at + 483, 12),
  };
}

/** A block of map that follows an old GNU sparse header. */
export function parseGnuSparseExtension(block: Buffer, at: number): { chunks: SparseChunk[]; more: boolean } {
  return { chunks: sparseChunks(block, at, 21), more: block[at + 504] !== 0 };
}

function sparseChunks(block: Buffer, at: number, count: number): SparseChunk[] {
  const chunks: SparseChunk[] = [];
  for (let i = at; i < at + count * 24 && block[i] !== 0; i += 24) {
    chunks.push({ offset: number(block, i, 12), length: number(block, i + 12, 12) });
  }
  return chunks;
}

function text(block: Buffer, at: number, length: number): ByteString {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, end < 0 || end > at + length ? at + length : end);
}

/** Octal digits with blanks around, or GNU's base-256 when the first bit is set. */
function number(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if (first & 0x80) return base256(block, at, length, first);
  const digits = block
    .toString("latin1", at, at + length)
    .replace(/\0.*$/s, "")
    .trim();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw new EngineError("dataLoss", `tar header: ${JSON.stringify(digits)}: not octal`);
  return Number.parseInt(digits, 8);
}

function base256(block: Buffer, at: number, length: number, first: number): number {
  const negative = (first & 0x40) !== 0;
  let value = BigInt(first & 0x7f);
  for (let i = at + 1; i < at + length; i++) value = (value << 8n) | BigInt(block[i] ?? 0);
  if (negative) value -= 1n << BigInt(length * 8 - 1);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw new EngineError("dataLoss", `tar header: number ${value} is out of range`);
  return result;
}

/** Sum of all bytes with the checksum's own taken as blanks; some old writers summed signed bytes. */
function verifyChecksum(block: Buffer, at: number): void {
  const expected = number(block, at + 148, 8);
  let unsigned = 8 * 32;
  let above = 0;
  for (let i = at; i < at + blockBytes; i++) {
    if (i >= at + 148 && i < at + 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    above += byte >> 7;
  }
  if (unsigned !== expected && unsigned - 256 * above !== expected) {
    throw new EngineError("dataLoss", "tar header: wrong checksum");
  }
}
