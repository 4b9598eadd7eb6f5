import { ftruncateSync, lstatSync, readdirSync, statSync, writeSync, type Stats } from "node:fs";
import { EngineError, errnoOf, type ErrorKind } from "#base/errors.ts";
import {
  atFdCwd,
  atRemoveDir,
  atSymlinkNoFollow,
  errnoName,
  errnos,
  lastErrno,
  makeDevice,
  syscalls,
} from "./syscalls.ts";
import { printable, type ByteString, type TarTime } from "./tar-entry.ts";

/**
 * File operations of a thread in the tree it has as root, by byte names relative to it. Synchronous; for one thread.
 *
 * The two path buffers are reused by every call: a tree of a million files makes no garbage here.
 */
export class TreeFiles {
  readonly #path = Buffer.alloc(8192);
  readonly #other = Buffer.alloc(8192);
  readonly #times = Buffer.alloc(32);

  /** Answers 0, or the errno where the caller has a way on. */
  mkdir(path: ByteString, mode: number): number {
    return syscalls.mkdirat(atFdCwd, this.#set(path), mode) === 0 ? 0 : lastErrno();
  }

  /** A descriptor, or a negative errno. */
  open(path: ByteString, flags: number, mode: number): number {
    const fd: number = syscalls.openat(atFdCwd, this.#set(path), flags, mode);
    return fd >= 0 ? fd : -lastErrno();
  }

  mknod(path: ByteString, mode: number, major: number, minor: number): number {
    return syscalls.mknodat(atFdCwd, this.#set(path), mode, makeDevice(major, minor)) === 0 ? 0 : lastErrno();
  }

  /** `device` as in `st_rdev`. */
  mknodRaw(path: ByteString, mode: number, device: bigint): number {
    return syscalls.mknodat(atFdCwd, this.#set(path), mode, device) === 0 ? 0 : lastErrno();
  }

  link(target: ByteString, path: ByteString): number {
    const from = setName(this.#other, target);
    return syscalls.linkat(atFdCwd, from, atFdCwd, this.#set(path), 0) === 0 ? 0 : lastErrno();
  }

  /** Links what `source` has below the open directory `directory`. */
  linkFrom(directory: number, source: ByteString, path: ByteString): number {
    const from = setName(this.#other, source);
    return syscalls.linkat(directory, from, atFdCwd, this.#set(path), 0) === 0 ? 0 : lastErrno();
  }

  symlink(target: ByteString, path: ByteString): number {
    return syscalls.symlinkat(setName(this.#other, target), atFdCwd, this.#set(path)) === 0 ? 0 : lastErrno();
  }

  chownLink(path: ByteString, uid: number, gid: number): void {
    this.#check(syscalls.fchownat(atFdCwd, this.#set(path), uid, gid, atSymlinkNoFollow), "chown", path);
  }

  /** Not for links: it follows the last name. */
  chmod(path: ByteString, mode: number): void {
    this.#check(syscalls.fchmodat(atFdCwd, this.#set(path), mode, 0), "chmod", path);
  }

  chownFd(fd: number, path: ByteString, uid: number, gid: number): void {
    this.#check(syscalls.fchown(fd, uid, gid), "chown", path);
  }

  chmodFd(fd: number, path: ByteString, mode: number): void {
    this.#check(syscalls.fchmod(fd, mode), "chmod", path);
  }

  setTimesFd(fd: number, path: ByteString, atime: TarTime, mtime: TarTime): void {
    this.#check(syscalls.futimens(fd, this.#setTimes(atime, mtime)), "set times", path);
  }

  /** Answers 0 or the errno; the last name is not followed. */
  setTimes(path: ByteString, atime: TarTime, mtime: TarTime): number {
    const times = this.#setTimes(atime, mtime);
    return syscalls.utimensat(atFdCwd, this.#set(path), times, atSymlinkNoFollow) === 0 ? 0 : lastErrno();
  }

  /** Answers 0 or the errno; the last name is not followed. */
  setXattr(path: ByteString, name: ByteString, value: Buffer): number {
    const key = setName(this.#other, name);
    return syscalls.lsetxattr(this.#set(path), key, value, value.length, 0) === 0 ? 0 : lastErrno();
  }

  /** Writes all of it, or throws. */
  write(fd: number, path: ByteString, buffer: Buffer, start: number, length: number, position: number | null): void {
    try {
      for (let done = 0; done < length;) {
        done += writeSync(fd, buffer, start + done, length - done, position === null ? null : position + done);
      }
    } catch (error) {
      throw fileError(errnoOf(error) ?? "EIO", "write", path);
    }
  }

  truncate(fd: number, path: ByteString, sizeBytes: number): void {
    try {
      ftruncateSync(fd, sizeBytes);
    } catch (error) {
      throw fileError(errnoOf(error) ?? "EIO", "truncate", path);
    }
  }

  close(fd: number): void {
    syscalls.close(fd);
  }

  lstat(path: ByteString): Stats | undefined {
    return statOrUndefined(path);
  }

  times(path: ByteString): { atime: TarTime; mtime: TarTime } {
    const { atimeNs, mtimeNs } = lstatSync(bytesOf(path === "" ? "." : path), { bigint: true });
    return { atime: toTime(atimeNs), mtime: toTime(mtimeNs) };
  }

  /** Whether it is one, or a link to one inside of the tree. */
  isDirectory(path: ByteString): boolean {
    try {
      return statSync(bytesOf(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
    } catch {
      return false;
    }
  }

  /** Removes `path` and, when it is a directory, all below; not there is fine. Links are removed, not followed. */
  removeAll(path: ByteString): void {
    if (syscalls.unlinkat(atFdCwd, this.#set(path), 0) === 0) return;
    const errno = lastErrno();
    if (errno === errnos.enoent || errno === errnos.enotdir) return;
    if (errno !== errnos.eisdir && errno !== errnos.eperm) throw fileError(errnoName(errno), "remove", path);
    this.#removeDirectory(path);
  }

  list(path: ByteString): ByteString[] {
    return readdirSync(bytesOf(path === "" ? "." : path), { encoding: "latin1" });
  }

  #removeDirectory(top: ByteString): void {
    const stack = [top];
    for (let path = stack.at(-1); path !== undefined; path = stack.at(-1)) {
      if (syscalls.unlinkat(atFdCwd, this.#set(path), atRemoveDir) === 0) {
        stack.pop();
        continue;
      }
      const errno = lastErrno();
      if (errno !== errnos.enotempty && errno !== errnos.eexist) throw fileError(errnoName(errno), "remove", path);
      for (const name of this.list(path)) {
        const child = `${path}/${name}`;
        if (syscalls.unlinkat(atFdCwd, this.#set(child), 0) === 0) continue;
        if (lastErrno() !== errnos.eisdir) throw fileError(errnoName(lastErrno()), "remove", child);
        stack.push(child);
      }
    }
  }

  #set(path: ByteString): Buffer {
    return setName(this.#path, path === "" ? "." : path);
  }

  #setTimes(atime: TarTime, mtime: TarTime): Buffer {
    setTime(this.#times, 0, atime);
    setTime(this.#times, 16, mtime);
    return this.#times;
  }

  #check(result: number, what: string, path: ByteString): void {
    if (result !== 0) throw fileError(errnoName(lastErrno()), what, path);
  }
}

export function toTime(ns: bigint): TarTime {
  const nanoseconds = BigInt.asUintN(64, ((ns % second) + second) % second);
  return { seconds: Number((ns - nanoseconds) / second), nanoseconds: Number(nanoseconds) };
}

const second = 1_000_000_000n;

/** An errno in the words of a layer. */
export function fileError(code: string, what: string, path: ByteString): EngineError {
  const text = code === "ENOSPC" ? "no space left on the disk" : code === "EDQUOT" ? "disk quota exceeded" : code;
  return new EngineError(kinds[code] ?? "internal", `layer entry ${printable(path)}: ${what}: ${text}`);
}

export function bytesOf(path: ByteString): Buffer {
  return Buffer.from(path, "latin1");
}

const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOSPC: "resourceExhausted",
  EDQUOT: "resourceExhausted",
  EFBIG: "resourceExhausted",
  ENAMETOOLONG: "invalidArgument",
  ELOOP: "invalidArgument",
  ENOTDIR: "invalidArgument",
  EISDIR: "invalidArgument",
  EINVAL: "invalidArgument",
  EPERM: "permissionDenied",
  EROFS: "failedPrecondition",
};

function statOrUndefined(path: ByteString): Stats | undefined {
  try {
    return lstatSync(bytesOf(path === "" ? "." : path), { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    throw fileError(errnoOf(error) ?? "EIO", "stat", path);
  }
}

/** @throws invalidArgument for a name that the kernel would cut or refuse */
function setName(buffer: Buffer, name: ByteString): Buffer {
  if (name.length >= 4096) throw new EngineError("invalidArgument", `layer entry ${printable(name)}: name too long`);
  buffer[buffer.write(name, 0, "latin1")] = 0;
  return buffer;
}

/** A `struct timespec` of a 64-bit machine. */
function setTime(buffer: Buffer, at: number, { seconds, nanoseconds }: TarTime): void {
  buffer.writeBigInt64LE(BigInt(seconds), at);
  buffer.writeBigInt64LE(BigInt(nanoseconds), at + 8);
}
