import { closeSync, constants, fstatSync, openSync, statfsSync, type BigIntStats } from "node:fs";
import { errnos, syscalls } from "./syscalls.ts";
import type { ByteString, TarEntry } from "./tar-entry.ts";
import { bytesOf, toTime, type TreeFiles } from "./tree-files.ts";

const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const oPath = 0o10000000;
/** `FICLONE`. Source: linux/fs.h. */
const ficlone = 0x4004_9409;
/** Filesystems on which files can have blocks in common. Source: statfs(2); bcachefs_format.h. */
const cloning = new Set([0x9123_683e, 0x5846_5342, 0xca45_1a4e]);
const maxXattrBytes = 65_536;
/**
 * What is below these is written anew rather than linked: cron takes no table with two links, postfix no queue file, for
 * fear that somebody else has the other. Source: cron(8), "DEBIAN SPECIFIC"; postfix, postfix-script.
 */
const countsLinks = /^(?:\.?\/)*(?:etc|var)\//;

/**
 * Files of the tree that a layer's archive is made again from, to be in the new tree without being written.
 *
 * Used by a thread that has the new tree as its root: the other one is reached through a descriptor, by paths that have
 * no link in them ({@link note} is told what was resolved).
 */
export class SharedFiles implements Disposable {
  readonly #files: TreeFiles;
  readonly #source: number;
  readonly #noted = new Map<ByteString, ByteString>();
  readonly #buffer = Buffer.alloc(maxXattrBytes);
  #clones: boolean;
  #links = true;

  /** The thread must have the machine's root still. */
  constructor(files: TreeFiles, directory: string) {
    this.#files = files;
    this.#source = openSync(directory, oPath | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    this.#clones = cloning.has(statfsSync(directory).type);
  }

  /** The bytes of `name` are on their way; they were read at `resolved`. */
  note(name: ByteString, resolved: ByteString): void {
    this.#noted.set(name, resolved);
  }

  /** Where the content of a regular file is, if it is known. */
  take({ name, sparse }: TarEntry): ByteString | undefined {
    const resolved = this.#noted.get(name);
    this.#noted.delete(name);
    return sparse === undefined ? resolved : undefined;
  }

  /** Whether the file there can stand for `entry`: owner, mode, time, xattrs and size are the archive's. */
  fits(source: ByteString, entry: TarEntry): boolean {
    if (!this.#links || this.#clones || countsLinks.test(entry.name)) return false;
    const fd = this.#open(source);
    if (fd < 0) return false;
    try {
      return sameStat(fstatSync(fd, { bigint: true }), entry) && this.#sameXattrs(fd, entry);
    } finally {
      closeSync(fd);
    }
  }

  link(source: ByteString, path: ByteString): boolean {
    const errno = this.#files.linkFrom(this.#source, source, path);
    // Another filesystem, or one without links, or its limit for this file: it is written.
    if (errno !== 0 && errno !== errnos.emlink) this.#links = false;
    return errno === 0;
  }

  /** Gives the new, empty file `target` the content of the one there. */
  clone(source: ByteString, target: number): boolean {
    if (!this.#clones) return false;
    const fd = this.#open(source);
    if (fd < 0) return false;
    try {
      this.#clones = syscalls.ioctlInt(target, ficlone, "int", fd) === 0;
      return this.#clones;
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#source);
  }

  #open(source: ByteString): number {
    return syscalls.openat(this.#source, terminated(source), openFlags, 0);
  }

  /** What the machine labels by itself (SELinux) is no matter of the archive. */
  #sameXattrs(fd: number, { xattrs = new Map<ByteString, Buffer>() }: TarEntry): boolean {
    const length = Number(syscalls.flistxattr(fd, this.#buffer, maxXattrBytes));
    const names = length <= 0 ? [] : this.#buffer.toString("latin1", 0, length - 1).split("\0");
    const own = names.filter((name) => name !== "security.selinux");
    const wanted = [...xattrs].filter(([name]) => name !== "security.selinux");
    if (own.length !== wanted.length) return false;
    return wanted.every(([name, value]) => {
      const size = Number(syscalls.fgetxattr(fd, terminated(name), this.#buffer, maxXattrBytes));
      return size >= 0 && this.#buffer.subarray(0, size).equals(value);
    });
  }
}

function sameStat(stat: BigIntStats, { uid, gid, mode, sizeBytes, mtime }: TarEntry): boolean {
  const time = toTime(stat.mtimeNs);
  return (
    stat.isFile() &&
    Number(stat.uid) === uid &&
    Number(stat.gid) === gid &&
    Number(stat.mode & 0o7777n) === (mode & 0o7777) &&
    Number(stat.size) === sizeBytes &&
    time.seconds === mtime.seconds &&
    time.nanoseconds === mtime.nanoseconds
  );
}

function terminated(name: ByteString): Buffer {
  return bytesOf(`${name}\0`);
}
