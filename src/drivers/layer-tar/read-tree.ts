import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from "node:fs";
import { errnoOf } from "#base/errors.ts";
import { fileXattrs } from "./file-xattrs.ts";
import { formatHeader, paddingOf } from "./format-header.ts";
import { locatePath } from "./stat-path.ts";
import type { ByteString, TarEntry, TarEntryType } from "./tar-entry.ts";
import { blockBytes } from "./tar-header.ts";
import { bytesOf, toTime } from "./tree-files.ts";
import { childPath } from "./tree-path.ts";

const chunkBytes = 256 * 1024;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A tar of `path` in the tree that is this thread's root; its first entry has the name by which it was asked for.
 * A file that shrinks meanwhile is filled up with zeros, one that grows is cut.
 */
export function* readTree(path: ByteString, check: () => void): Generator<Buffer> {
  const top = locatePath(path);
  const links = new Map<string, ByteString>();
  const name = top.name === "/" ? "." : top.name;
  const todo: { path: ByteString; name: ByteString }[] = [{ path: top.path, name }];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    check();
    const stat = at.path === top.path ? top.stat : statOf(at.path);
    const entry = stat && entryOf(at.path, at.name, stat, links);
    if (stat === undefined || entry === undefined) continue;
    yield formatHeader(entry);
    if (entry.type === "file") yield* contentOf(at.path, entry.sizeBytes, check);
    if (entry.type !== "directory") continue;
    const { path, name } = at;
    const children = readdirSync(bytesOf(path), { encoding: "latin1" }).sort().reverse();
    for (const child of children)
      todo.push({ path: `${path === "/" ? "" : path}/${child}`, name: childPath(name, child) });
  }
  yield Buffer.alloc(2 * blockBytes);
}

/** Undefined for a socket, and for what is gone since its directory was read. */
function entryOf(
  path: ByteString,
  name: ByteString,
  stat: BigIntStats,
  links: Map<string, ByteString>,
): TarEntry | undefined {
  const type = typeOf(stat);
  if (type === undefined) return undefined;
  const inode = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n && type !== "directory" ? links.get(inode) : undefined;
  if (first === undefined) links.set(inode, name);
  const xattrs = first === undefined && type !== "symlink" ? keptXattrs(path) : undefined;
  const { major, minor } = deviceOf(stat);
  return {
    type: first === undefined ? type : "hardlink",
    name: type === "directory" ? `${name}/` : name,
    linkName: first ?? (type === "symlink" ? readlinkSync(bytesOf(path), { encoding: "latin1" }) : ""),
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    sizeBytes: Number(stat.size),
    mtime: toTime(stat.mtimeNs),
    devMajor: major,
    devMinor: minor,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

function keptXattrs(path: ByteString): Map<ByteString, Buffer> | undefined {
  const all = fileXattrs(path);
  if (all === undefined) return undefined;
  const kept = [...all].filter(([key]) => key.startsWith("user.") || key === "security.capability");
  return kept.length === 0 ? undefined : new Map(kept);
}

function typeOf(stat: BigIntStats): TarEntryType | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isCharacterDevice()) return "char";
  if (stat.isBlockDevice()) return "block";
  return stat.isFIFO() ? "fifo" : undefined;
}

/** The inverse of `makeDevice`. */
function deviceOf({ rdev }: BigIntStats): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n);
  return { major: Number(major), minor: Number(minor) };
}

function* contentOf(path: ByteString, sizeBytes: number, check: () => void): Generator<Buffer> {
  const fd = openSync(bytesOf(path), readFlags);
  try {
    let left = sizeBytes;
    while (left > 0) {
      check();
      const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, left));
      const length = readSync(fd, chunk, 0, chunk.length, null);
      if (length === 0) break;
      left -= length;
      yield chunk.subarray(0, length);
    }
    for (; left > 0; left -= Math.min(left, chunkBytes)) yield Buffer.alloc(Math.min(left, chunkBytes));
  } finally {
    closeSync(fd);
  }
  if (paddingOf(sizeBytes) > 0) yield Buffer.alloc(paddingOf(sizeBytes));
}

function statOf(path: ByteString): BigIntStats | undefined {
  try {
    return lstatSync(bytesOf(path), { bigint: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
