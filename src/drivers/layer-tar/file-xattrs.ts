import { errnoName, errnos, lastErrno, syscalls } from "./syscalls.ts";
import type { ByteString } from "./tar-entry.ts";
import { bytesOf, fileError } from "./tree-files.ts";

const maxListBytes = 65_536;
const maxValueBytes = 65_536;
const list = Buffer.alloc(maxListBytes);
const value = Buffer.alloc(maxValueBytes);

/** Xattrs of a file, of a link itself; none where the filesystem has none. The overlay's own are left out. */
export function fileXattrs(path: ByteString): Map<ByteString, Buffer> | undefined {
  const name = terminated(path);
  const length = Number(syscalls.llistxattr(name, list, list.length));
  if (length <= 0) {
    const errno = length === 0 ? 0 : lastErrno();
    if (errno === 0 || errno === errnos.enotsup || errno === errnos.enoent) return undefined;
    throw fileError(errnoName(errno), "list xattrs", path);
  }
  const xattrs = new Map<ByteString, Buffer>();
  for (const key of list.toString("latin1", 0, length - 1).split("\0")) {
    if (key.startsWith("trusted.overlay.")) continue;
    const size = Number(syscalls.lgetxattr(name, terminated(key), value, value.length));
    if (size >= 0) xattrs.set(key, Buffer.from(value.subarray(0, size)));
  }
  return xattrs;
}

function terminated(text: ByteString): Buffer {
  return bytesOf(`${text}\0`);
}
