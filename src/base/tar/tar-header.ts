import { EngineError } from "#base/errors.ts";

/** One entry of an archive, without its bytes. */
export type TarEntry = {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** Target of a link, else empty. */
  readonly linkName: string;
};

export const tarBlockBytes = 512;
/** Two blocks of zeros end an archive. */
export const tarEnd = Buffer.alloc(2 * tarBlockBytes);

const typeFlags = { file: "0", hardlink: "1", symlink: "2", directory: "5", other: "6" } as const;
const maxOctal = { size: 0o77777777777, id: 0o7777777, time: 0o77777777777 };

/** Header blocks of `entry`; its bytes follow, padded by {@link tarPadding}. Source: POSIX.1-2008 pax, ustar format. */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const name = entry.type === "directory" && !entry.name.endsWith("/") ? `${entry.name}/` : entry.name;
  const mtime = Math.floor(entry.mtimeSeconds);
  const extended = Object.entries({
    path: Buffer.byteLength(name) > 100 ? name : undefined,
    linkpath: Buffer.byteLength(entry.linkName) > 100 ? entry.linkName : undefined,
    size: entry.sizeBytes > maxOctal.size ? String(entry.sizeBytes) : undefined,
    uid: entry.uid > maxOctal.id ? String(entry.uid) : undefined,
    gid: entry.gid > maxOctal.id ? String(entry.gid) : undefined,
    mtime: mtime < 0 || mtime > maxOctal.time ? String(mtime) : undefined,
  }).filter((record): record is [string, string] => record[1] !== undefined);
  const header = plainHeader({ ...entry, name, mtimeSeconds: mtime }, typeFlags[entry.type]);
  return extended.length === 0 ? header : Buffer.concat([paxBlocks(extended), header]);
}

/** Zeros that fill the last block of an entry's bytes. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes);
}

/** A header block as it stands, `flag` being its type; undefined for a block of zeros. @throws dataLoss when it is none */
export function decodeTarHeader(block: Buffer): { entry: TarEntry; flag: string } | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (octal(block, 148, 8) !== checksum(block)) throw new EngineError("dataLoss", "archive: bad header checksum");
  const magic = block.toString("latin1", 257, 263);
  const prefix = magic === "ustar\0" ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  const flag = String.fromCharCode(block[156] ?? 0).replace("\0", "0");
  const entry = {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type: typeOf(flag),
    mode: octal(block, 100, 8) & 0o7777,
    uid: octal(block, 108, 8),
    gid: octal(block, 116, 8),
    sizeBytes: octal(block, 124, 12),
    mtimeSeconds: octal(block, 136, 12),
    linkName: text(block, 157, 100),
  };
  return { entry, flag };
}

/** Key-value records of a PAX header. @throws dataLoss */
export function decodePaxRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 || space - at > 8 ? Number.NaN : Number(bytes.toString("latin1", at, space));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + length;
    const sound = end > equals && equals > space && end <= bytes.length && bytes[end - 1] === 0x0a;
    if (!sound) throw new EngineError("dataLoss", "archive: bad PAX record");
    records.set(bytes.toString("utf8", space + 1, equals), bytes.toString("utf8", equals + 1, end - 1));
    at = end;
  }
  return records;
}

function typeOf(flag: string): TarEntry["type"] {
  return ({ "0": "file", "7": "file", "1": "hardlink", "2": "symlink", "5": "directory" } as const)[flag] ?? "other";
}

function plainHeader(entry: TarEntry, flag: string): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  block.write(Buffer.from(entry.name).subarray(0, 100).toString("latin1"), 0, "latin1");
  writeOctal(block, 100, 8, entry.mode & 0o7777);
  writeOctal(block, 108, 8, Math.min(entry.uid, maxOctal.id));
  writeOctal(block, 116, 8, Math.min(entry.gid, maxOctal.id));
  writeOctal(block, 124, 12, Math.min(entry.sizeBytes, maxOctal.size));
  writeOctal(block, 136, 12, Math.min(Math.max(entry.mtimeSeconds, 0), maxOctal.time));
  block.write(flag, 156, "latin1");
  block.write(Buffer.from(entry.linkName).subarray(0, 100).toString("latin1"), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function paxBlocks(records: readonly [string, string][]): Buffer {
  const bytes = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const name = "PaxHeaders/entry";
  const entry = { name, type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
  return Buffer.concat([plainHeader({ ...entry, sizeBytes: bytes.length }, "x"), bytes, tarPadding(bytes.length)]);
}

/** `<length> <key>=<value>\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Sum of all bytes, the checksum's own field counted as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < tarBlockBytes; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return sum;
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

/** Octal digits, or GNU's base 256 when the first bit is set. @throws dataLoss */
function octal(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  const binary = (first & 0x80) !== 0;
  const digits = block.toString("latin1", at, at + length).replace(/^[ \0]+|[ \0][^]*$/g, "");
  const value = binary
    ? block.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, first & 0x7f)
    : Number(digits === "" ? 0 : `0o${digits}`);
  if (Number.isSafeInteger(value)) return value;
  throw new EngineError("dataLoss", "archive: bad number in a header");
}

function writeOctal(block: Buffer, at: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
}
