import { EngineError } from "#base/errors.ts";
import { parsePaxNumber, parsePaxTime, type PaxRecords } from "./pax-records.ts";
import { printable, type ByteString, type SparseChunk, type TarEntry, type TarEntryType } from "./tar-entry.ts";
import type { TarHeader } from "./tar-header.ts";

/** What stood before a member and tells of it. */
export type Extensions = { pax?: PaxRecords; longName?: ByteString; longLink?: ByteString };

const xattrPrefix = "SCHILY.xattr.";
const maxId = 0xffff_fffe;

/** Puts a header and the extended ones together; PAX counts over GNU, GNU over the header. @throws dataLoss */
export function entryOf(
  header: TarHeader,
  extensions: Extensions,
  bodyBytes: number,
  sparse: { chunks: SparseChunk[]; realSize: number } | undefined,
): TarEntry {
  const values = extensions.pax?.values ?? noValues;
  const name = values.get("GNU.sparse.name") || values.get("path") || extensions.longName || header.name;
  const atime = values.get("atime");
  const mtime = values.get("mtime");
  const xattrs = extensions.pax === undefined ? undefined : xattrsOf(extensions.pax);
  if (sparse !== undefined) checkSparse(name, sparse.chunks, sparse.realSize, bodyBytes);
  return {
    type: typeOf(header.typeflag, name),
    name,
    linkName: values.get("linkpath") || extensions.longLink || header.linkName,
    mode: header.mode,
    uid: idOf(name, values.get("uid"), header.uid),
    gid: idOf(name, values.get("gid"), header.gid),
    sizeBytes: sparse?.realSize ?? bodyBytes,
    mtime: mtime ? parsePaxTime(mtime) : { seconds: header.mtimeSeconds, nanoseconds: 0 },
    ...(atime ? { atime: parsePaxTime(atime) } : {}),
    devMajor: header.devMajor,
    devMinor: header.devMinor,
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(sparse === undefined ? {} : { sparse: sparse.chunks }),
  };
}

const noValues: ReadonlyMap<ByteString, ByteString> = new Map();

const types: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

function typeOf(typeflag: string, name: ByteString): TarEntryType {
  const type = types[typeflag];
  if (type === undefined) {
    throw new EngineError("dataLoss", `layer entry ${printable(name)}: unknown type ${JSON.stringify(typeflag)}`);
  }
  // Before ustar, a directory was a file whose name ends in a slash.
  return type === "file" && typeflag !== "S" && name.endsWith("/") ? "directory" : type;
}

function idOf(name: ByteString, pax: ByteString | undefined, own: number): number {
  const id = pax ? parsePaxNumber(pax) : own;
  if (id < 0 || id > maxId) throw new EngineError("dataLoss", `layer entry ${printable(name)}: owner ${id}`);
  return id;
}

function xattrsOf(pax: PaxRecords): Map<ByteString, Buffer> | undefined {
  let xattrs: Map<ByteString, Buffer> | undefined;
  for (const [key, value] of pax.values) {
    if (!key.startsWith(xattrPrefix)) continue;
    xattrs ??= new Map();
    xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value, "latin1"));
  }
  return xattrs;
}

/** Chunks in order, apart from each other, inside of the file, and as long together as the body. */
function checkSparse(name: ByteString, chunks: readonly SparseChunk[], realSize: number, bodyBytes: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of chunks) {
    if (offset < end || length < 0) throw badMap(name, "chunks overlap");
    end = offset + length;
    sum += length;
    if (!Number.isSafeInteger(end) || end > realSize) throw badMap(name, "a chunk passes the end of the file");
  }
  if (sum !== bodyBytes) throw badMap(name, `${bodyBytes} bytes of data for ${sum} in the map`);
}

function badMap(name: ByteString, why: string): EngineError {
  return new EngineError("dataLoss", `layer entry ${printable(name)}: sparse map: ${why}`);
}
