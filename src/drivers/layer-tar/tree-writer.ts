import { constants } from "node:fs";
import { EngineError } from "#base/errors.ts";
import { EntryAttributes } from "./entry-attributes.ts";
import { errnoName, errnos } from "./syscalls.ts";
import type { SharedFiles } from "./shared-files.ts";
import { printable, type ByteString, type TarEntry, type TarSink, type TarTime } from "./tar-entry.ts";
import { childPath, cleanPath, parentPath } from "./tree-path.ts";
import { fileError, type TreeFiles } from "./tree-files.ts";
import { Whiteouts, type WhiteoutForm } from "./whiteouts.ts";

export type TreeWriterOptions = {
  readonly whiteouts: WhiteoutForm;
  /** Bound on the logical size of one file: holes take no disk, but a copy would. */
  readonly maxFileBytes: number;
  /** Refuse to replace a directory by something else or the reverse. */
  readonly keepTypes: boolean;
  readonly keepOwners: boolean;
  /** A directory of the tree that names are relative to; empty is the tree itself. */
  readonly base: ByteString;
  /** Files that need not be written, for they are in another tree. */
  readonly shared?: SharedFiles;
};

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | 0o2000000;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | 0o2000000;
/** What a directory takes, and what file sizes are rounded to, on the filesystems that matter. */
const diskBlockBytes = 4096;

/**
 * Puts members of an archive into the tree that is this thread's root.
 *
 * Names are cleaned and may not climb above the root; whatever is in the way of an entry is removed, never written through.
 */
export class TreeWriter implements TarSink {
  readonly #files: TreeFiles;
  readonly #options: TreeWriterOptions;
  readonly #whiteouts: Whiteouts;
  readonly #attributes: EntryAttributes;
  /** Directories that are known to be there. */
  readonly #directories = new Set<ByteString>([""]);
  /** Times of directories, set last: each new child changes them. */
  readonly #directoryTimes = new Map<ByteString, { atime: TarTime; mtime: TarTime }>();
  readonly #implied = new Set<ByteString>();
  #entry: TarEntry | undefined;
  #path: ByteString = "";
  #fd = -1;
  /** The open file has its content already. */
  #whole = false;
  #written = 0;
  sizeBytes = 0;
  inodes = 0;

  constructor(files: TreeFiles, options: TreeWriterOptions) {
    this.#files = files;
    this.#options = options;
    this.#whiteouts = new Whiteouts(files, options.whiteouts);
    this.#attributes = new EntryAttributes(files, options.keepOwners);
    this.#directories.add(options.base);
    // The root is a directory that the archive need not have either.
    if (options.whiteouts === "overlay") this.#implied.add("");
    if (options.whiteouts === "delete") this.#directoryTimes.set("", files.times(""));
  }

  /** Directories made for entries whose parents the archive does not have, as far as they still stand. */
  impliedDirectories(): ByteString[] {
    return [...this.#implied].filter((path) => this.#files.lstat(path)?.isDirectory());
  }

  begin(entry: TarEntry): void {
    const path = this.#pathOf(entry.name);
    this.#entry = entry;
    this.#path = path;
    const whiteout = this.#whiteouts.kindOf(path);
    if (whiteout === "ignored") return;
    if (path !== this.#options.base) this.#ensureParent(path);
    if (whiteout !== "none") return this.#applyWhiteout(whiteout, path);
    if (path === "" && entry.type !== "directory") {
      throw refused(entry.name, `a ${entry.type} in place of the root`);
    }
    this.#make(entry, path);
    this.#whiteouts.made(path);
  }

  data(buffer: Buffer, start: number, length: number, position: number): void {
    if (this.#fd < 0) return;
    this.#written += length;
    if (this.#whole) return;
    this.#files.write(this.#fd, this.#path, buffer, start, length, this.#entry?.sparse ? position : null);
  }

  end(): void {
    const entry = this.#entry;
    if (this.#fd < 0 || entry === undefined) return;
    const fd = this.#fd;
    this.sizeBytes += Math.ceil(this.#written / diskBlockBytes) * diskBlockBytes;
    this.#written = 0;
    try {
      if (entry.sparse !== undefined) this.#files.truncate(fd, this.#path, entry.sizeBytes);
      this.#attributes.setOnFile(fd, this.#path, entry);
    } finally {
      this.abandon();
    }
  }

  /** Sets what waits for the end. */
  finish(): void {
    for (const [path, { atime, mtime }] of this.#directoryTimes) {
      const errno = this.#files.setTimes(path, atime, mtime);
      const gone = errno === errnos.enoent || errno === errnos.enotdir;
      if (errno !== 0 && !gone) throw fileError(errnoName(errno), "set times", path);
    }
  }

  /** Closes what an error left open. */
  abandon(): void {
    if (this.#fd >= 0) this.#files.close(this.#fd);
    this.#fd = -1;
    this.#whole = false;
  }

  #pathOf(name: ByteString): ByteString {
    return childPath(this.#options.base, cleanPath(name, "layer entry"));
  }

  #make(entry: TarEntry, path: ByteString): void {
    switch (entry.type) {
      case "directory":
        return this.#makeDirectory(entry, path);
      case "file":
        return this.#makeFile(entry, path);
      case "hardlink":
        return this.#makeHardLink(entry, path);
      case "symlink":
        if (entry.linkName === "" || entry.linkName.includes("\0")) throw refused(entry.name, "a link to nothing");
        this.#retry(path, "symlink", () => this.#files.symlink(entry.linkName, path));
        return this.#attributes.setOnSpecial(path, entry);
      case "char":
        return this.#makeNode(entry, path, constants.S_IFCHR);
      case "block":
        return this.#makeNode(entry, path, constants.S_IFBLK);
      case "fifo":
        return this.#makeNode(entry, path, constants.S_IFIFO);
      default:
        return entry.type satisfies never;
    }
  }

  #makeDirectory(entry: TarEntry, path: ByteString): void {
    if (path !== "") this.#mkdirOrKeep(entry, path);
    const fd = this.#files.open(path, directoryFlags, 0);
    if (fd < 0) throw fileError(errnoName(-fd), "open", path);
    try {
      this.#attributes.setOnDirectory(fd, path, entry);
    } finally {
      this.#files.close(fd);
    }
    this.#directories.add(path);
    this.#implied.delete(path);
    this.#directoryTimes.set(path, { atime: entry.atime ?? entry.mtime, mtime: entry.mtime });
  }

  #mkdirOrKeep(entry: TarEntry, path: ByteString): void {
    const errno = this.#files.mkdir(path, entry.mode & 0o1777);
    if (errno === 0) {
      this.inodes++;
      this.sizeBytes += diskBlockBytes;
      return;
    }
    if (errno !== errnos.eexist) throw fileError(errnoName(errno), "mkdir", path);
    if (this.#files.lstat(path)?.isDirectory()) return;
    if (this.#options.keepTypes) {
      throw new EngineError("invalidArgument", `cannot overwrite non-directory ${printable(path)} with directory`);
    }
    const hidden = this.#whiteouts.isWhiteout(path);
    this.#retry(path, "mkdir", () => this.#files.mkdir(path, entry.mode & 0o1777));
    // What a whiteout hid must not shine through the directory that takes its place.
    if (hidden) this.#whiteouts.setOpaque(path);
  }

  #makeFile(entry: TarEntry, path: ByteString): void {
    if (entry.sizeBytes > this.#options.maxFileBytes) {
      throw new EngineError("resourceExhausted", `layer entry ${printable(path)}: ${entry.sizeBytes} bytes`);
    }
    const source = this.#options.shared?.take(entry);
    if (source !== undefined && this.#linkWhole(source, entry, path)) return;
    this.#fd = this.#files.open(path, createFlags, entry.mode & 0o1777);
    if (this.#fd < 0 && -this.#fd === errnos.eexist) {
      this.#clear(path);
      this.#fd = this.#files.open(path, createFlags, entry.mode & 0o1777);
    }
    if (this.#fd < 0) throw fileError(errnoName(-this.#fd), "create", path);
    this.#whole = source !== undefined && (this.#options.shared?.clone(source, this.#fd) ?? false);
    this.inodes++;
  }

  /** The inode is shared; the layer counts it all the same, as the other tree may go. */
  #linkWhole(source: ByteString, entry: TarEntry, path: ByteString): boolean {
    const { shared } = this.#options;
    if (shared === undefined || !shared.fits(source, entry)) return false;
    if (this.#files.lstat(path) !== undefined) this.#clear(path);
    if (!shared.link(source, path)) return false;
    this.inodes++;
    this.sizeBytes += Math.ceil(entry.sizeBytes / diskBlockBytes) * diskBlockBytes;
    return true;
  }

  #makeHardLink(entry: TarEntry, path: ByteString): void {
    const target = this.#pathOf(entry.linkName);
    if (target === path || target === "") throw refused(entry.name, `a hard link to ${printable(entry.linkName)}`);
    if (this.#whiteouts.isWhiteout(target)) throw missingTarget(entry);
    let errno = this.#files.link(target, path);
    if (errno === errnos.eexist) {
      if (this.#files.lstat(target) === undefined) throw missingTarget(entry);
      this.#clear(path);
      errno = this.#files.link(target, path);
    }
    if (errno === errnos.enoent || errno === errnos.enotdir) throw missingTarget(entry);
    if (errno !== 0) throw fileError(errnoName(errno), `hard link to ${printable(entry.linkName)}`, path);
  }

  #makeNode(entry: TarEntry, path: ByteString, type: number): void {
    const mode = type | (entry.mode & 0o7777);
    this.#retry(path, "mknod", () => this.#files.mknod(path, mode, entry.devMajor, entry.devMinor));
    this.#attributes.setOnSpecial(path, entry);
  }

  /** Runs `make` again after whatever stands at `path` is gone. */
  #retry(path: ByteString, what: string, make: () => number): void {
    let errno = make();
    if (errno === errnos.eexist) {
      this.#clear(path);
      errno = make();
    }
    if (errno !== 0) throw fileError(errnoName(errno), what, path);
    this.inodes++;
  }

  /** Makes way for an entry. */
  #clear(path: ByteString): void {
    if (this.#options.keepTypes && this.#files.lstat(path)?.isDirectory()) {
      throw new EngineError("invalidArgument", `cannot overwrite directory ${printable(path)} with non-directory`);
    }
    this.#directories.clear();
    this.#directories.add("").add(this.#options.base);
    this.#directoryTimes.delete(path);
    this.#implied.delete(path);
    this.#files.removeAll(path);
    this.#whiteouts.removed(path);
  }

  #applyWhiteout(kind: "file" | "opaque", path: ByteString): void {
    const errno = kind === "opaque" ? this.#whiteouts.applyOpaque(parentPath(path)) : this.#whiteouts.applyFile(path);
    if (errno !== 0) throw fileError(errnoName(errno), "whiteout", path);
  }

  /** Makes the directories above `path` where they are missing; notes the times of those the layer did not make. */
  #ensureParent(path: ByteString): void {
    const parent = parentPath(path);
    if (this.#directories.has(parent)) return;
    this.#ensureParent(parent);
    const errno = this.#files.mkdir(parent, 0o755);
    if (errno === 0) {
      this.#implied.add(parent);
      this.#whiteouts.made(parent);
      this.inodes++;
    } else if (errno === errnos.eexist) this.#keepParent(parent);
    else throw fileError(errnoName(errno), "mkdir", parent);
    this.#directories.add(parent);
  }

  #keepParent(parent: ByteString): void {
    const stat = this.#files.lstat(parent);
    if (stat?.isSymbolicLink()) {
      if (!this.#files.isDirectory(parent)) throw needsLower(parent, "its target is not in this layer");
      return;
    }
    if (this.#whiteouts.isWhiteout(parent)) {
      this.#clear(parent);
      const errno = this.#files.mkdir(parent, 0o755);
      if (errno !== 0) throw fileError(errnoName(errno), "mkdir", parent);
      this.#whiteouts.setOpaque(parent);
      return;
    }
    if (stat === undefined || !stat.isDirectory())
      throw refused(parent, "an entry below something that is no directory");
    const restores = this.#options.whiteouts !== "none" && !this.#directoryTimes.has(parent);
    if (restores) this.#directoryTimes.set(parent, this.#files.times(parent));
  }
}

function refused(name: ByteString, why: string): EngineError {
  return new EngineError("invalidArgument", `layer entry ${printable(name)}: ${why}`);
}

function missingTarget(entry: TarEntry): EngineError {
  return needsLower(entry.name, `hard link to ${printable(entry.linkName)}, which is not in this layer`);
}

/** The same entry may well be right on top of the layers below. */
function needsLower(name: ByteString, why: string): EngineError {
  return new EngineError("failedPrecondition", `layer entry ${printable(name)}: ${why}`);
}
