import type { ByteString, TarEntry, TarEntryType } from "./tar-entry.ts";
import { blockBytes } from "./tar-header.ts";

const typeflags: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};
const maxOctal7 = 0o7777777;
const maxOctal11 = 0o77777777777;

/**
 * Header blocks of an entry: ustar, with a PAX header before it where a value does not fit. Times are whole seconds, as
 * Docker writes them. Source: POSIX.1-2017 pax.
 */
export function formatHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry);
  const own = ustarBlock(entry, entry.name, typeflags[entry.type]);
  if (records.length === 0) return own;
  const body = Buffer.concat(records);
  const size = { ...entry, sizeBytes: body.length, linkName: "", uid: 0, gid: 0, mode: 0o644 };
  const header = ustarBlock(size, "PaxHeaders.0/entry", "x");
  return Buffer.concat([header, body, Buffer.alloc(paddingOf(body.length)), own]);
}

/** Zeros that fill a body of `length` bytes up to whole blocks. */
export function paddingOf(length: number): number {
  return (blockBytes - (length % blockBytes)) % blockBytes;
}

function paxRecords(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  if (!fitsName(entry.name)) records.push(record("path", entry.name));
  if (entry.linkName.length > 100 || !isAscii(entry.linkName)) records.push(record("linkpath", entry.linkName));
  if (bodySize(entry) > maxOctal11) records.push(record("size", `${entry.sizeBytes}`));
  if (entry.uid > maxOctal7) records.push(record("uid", `${entry.uid}`));
  if (entry.gid > maxOctal7) records.push(record("gid", `${entry.gid}`));
  for (const [name, value] of entry.xattrs ?? []) {
    records.push(record(`SCHILY.xattr.${name}`, value.toString("latin1")));
  }
  return records;
}

/** The length counts its own digits. */
function record(key: ByteString, value: ByteString): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.from(`${length}${rest}`, "latin1");
}

function ustarBlock(entry: TarEntry, name: ByteString, typeflag: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  const { prefix, rest } = splitName(name);
  block.write(rest.slice(0, 100), 0, "latin1");
  octal(block, 100, 8, entry.mode & 0o7777);
  octal(block, 108, 8, Math.min(entry.uid, maxOctal7));
  octal(block, 116, 8, Math.min(entry.gid, maxOctal7));
  octal(block, 124, 12, Math.min(typeflag === "x" ? entry.sizeBytes : bodySize(entry), maxOctal11));
  octal(block, 136, 12, Math.max(0, Math.min(entry.mtime.seconds, maxOctal11)));
  block.write(typeflag, 156, "latin1");
  block.write(entry.linkName.slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  octal(block, 329, 8, entry.devMajor);
  octal(block, 337, 8, entry.devMinor);
  block.write(prefix.slice(0, 155), 345, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function bodySize({ type, sizeBytes }: TarEntry): number {
  return type === "file" ? sizeBytes : 0;
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
}

/** A long name is cut at a slash: 155 bytes before it, 100 after. */
function splitName(name: ByteString): { prefix: ByteString; rest: ByteString } {
  if (name.length <= 100) return { prefix: "", rest: name };
  const cut = name.lastIndexOf("/", Math.min(155, name.length - 2));
  return cut <= 0 || name.length - cut - 1 > 100
    ? { prefix: "", rest: name }
    : { prefix: name.slice(0, cut), rest: name.slice(cut + 1) };
}

function fitsName(name: ByteString): boolean {
  return isAscii(name) && (name.length <= 100 || splitName(name).prefix !== "");
}

function isAscii(text: ByteString): boolean {
  return /^[\x01-\x7f]*$/.test(text);
}
