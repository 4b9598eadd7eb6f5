import {
  closeSync,
  constants,
  copyFileSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from "node:fs";
import { EngineError } from "#base/errors.ts";
import { fileXattrs } from "./file-xattrs.ts";
import type { LayerJob } from "./layer-job.ts";
import { errnoName, syscalls } from "./syscalls.ts";
import type { ByteString } from "./tar-entry.ts";
import type { ThreadRoot } from "./thread-root.ts";
import { bytesOf, fileError, toTime, TreeFiles } from "./tree-files.ts";
import { pathError } from "./stat-path.ts";

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;
const copyBytes = 1024 * 1024;
const seekData = 3;
const seekHole = 4;

/** Copies a tree with owners, modes, times, xattrs, hard links, devices and holes; file contents are shared where the filesystem can. */
export function copyTree(root: ThreadRoot, job: LayerJob & { t: "copy" }, check: () => void): void {
  const source = openInside(root, job.root, job.from);
  try {
    const target = openSync(job.to, directoryFlags);
    try {
      new TreeCopy(target, check).directory(source, target, "");
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Both trees by descriptors of their directories: a link put in the way of a name is not followed. */
class TreeCopy {
  readonly #files = new TreeFiles();
  readonly #links = new Map<string, ByteString>();
  readonly #top: number;
  readonly #check: () => void;

  constructor(top: number, check: () => void) {
    this.#top = top;
    this.#check = check;
  }

  /** `path` is the directory's in the tree. */
  directory(source: number, target: number, path: ByteString): void {
    for (const name of readdirSync(at(source), { encoding: "latin1" })) {
      this.#check();
      this.#entry(`${at(source)}/${name}`, `${at(target)}/${name}`, `${path}/${name}`);
    }
    const from = `${at(source)}/.`;
    this.#attributes(from, `${at(target)}/.`, lstatSync(from, { bigint: true }));
  }

  #entry(from: ByteString, to: ByteString, path: ByteString): void {
    const stat = lstatSync(bytesOf(from), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined || stat.isSocket()) return;
    if (stat.isDirectory()) return this.#subdirectory(from, to, path);
    if (this.#linked(stat, to, path)) return;
    if (stat.isFile()) this.#file(from, to, stat);
    else if (stat.isSymbolicLink()) {
      check(this.#files.symlink(readlinkSync(bytesOf(from), { encoding: "latin1" }), to), "symlink", path);
    } else check(this.#files.mknodRaw(to, Number(stat.mode), stat.rdev), "mknod", path);
    this.#attributes(from, to, stat);
  }

  #subdirectory(from: ByteString, to: ByteString, path: ByteString): void {
    check(this.#files.mkdir(to, 0o700), "mkdir", path);
    const source = openSync(bytesOf(from), directoryFlags | constants.O_NOFOLLOW);
    try {
      const target = openSync(bytesOf(to), directoryFlags | constants.O_NOFOLLOW);
      try {
        this.directory(source, target, path);
      } finally {
        closeSync(target);
      }
    } finally {
      closeSync(source);
    }
  }

  #linked(stat: BigIntStats, to: ByteString, path: ByteString): boolean {
    if (stat.nlink < 2n) return false;
    const inode = `${stat.dev}:${stat.ino}`;
    const first = this.#links.get(inode);
    if (first === undefined) this.#links.set(inode, path);
    else check(this.#files.link(`${at(this.#top)}${first}`, to), "link", path);
    return first !== undefined;
  }

  #file(from: ByteString, to: ByteString, stat: BigIntStats): void {
    if (stat.blocks * 512n < stat.size) copySparse(this.#files, from, to, Number(stat.size));
    else copyFileSync(bytesOf(from), bytesOf(to), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }

  #attributes(from: ByteString, to: ByteString, stat: BigIntStats): void {
    this.#files.chownLink(to, Number(stat.uid), Number(stat.gid));
    if (!stat.isSymbolicLink()) this.#files.chmod(to, Number(stat.mode & 0o7777n));
    for (const [name, value] of fileXattrs(from) ?? []) {
      const errno = this.#files.setXattr(to, name, value);
      if (errno !== 0 && errnoName(errno) !== "EOPNOTSUPP" && errnoName(errno) !== "ENOTSUP")
        check(errno, "set xattr", to);
    }
    check(this.#files.setTimes(to, toTime(stat.atimeNs), toTime(stat.mtimeNs)), "set times", to);
  }
}

/** Data only, hole by hole. Source: lseek(2), SEEK_DATA. */
function copySparse(files: TreeFiles, from: ByteString, to: ByteString, sizeBytes: number): void {
  const source = openSync(bytesOf(from), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = openSync(bytesOf(to), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      const buffer = Buffer.allocUnsafeSlow(copyBytes);
      for (let data = seek(source, 0, seekData); data >= 0;) {
        const hole = seek(source, data, seekHole);
        for (let position = data; position < hole;) {
          const length = readSync(source, buffer, 0, Math.min(copyBytes, hole - position), position);
          if (length === 0) break;
          files.write(target, to, buffer, 0, length, position);
          position += length;
        }
        data = seek(source, hole, seekData);
      }
      files.truncate(target, to, sizeBytes);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function seek(fd: number, offset: number, whence: number): number {
  return Number(syscalls.lseek(fd, offset, whence));
}

function openInside(root: ThreadRoot, directory: string, path: ByteString): number {
  using _root = root.enter(directory);
  try {
    return openSync(bytesOf(path.startsWith("/") ? path : `/${path}`), directoryFlags);
  } catch (error) {
    throw pathError(error, path);
  }
}

function at(fd: number): ByteString {
  return `/proc/self/fd/${fd}`;
}

function check(errno: number, what: string, path: ByteString): void {
  if (errno === 0) return;
  const error = fileError(errnoName(errno), what, path);
  throw new EngineError(error.kind, error.message.replace("layer entry", "copy"));
}
