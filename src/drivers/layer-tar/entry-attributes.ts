import { EngineError } from "#base/errors.ts";
import { errnoName, errnos } from "./syscalls.ts";
import { printable, type ByteString, type TarEntry, type TarTime } from "./tar-entry.ts";
import { fileError, type TreeFiles } from "./tree-files.ts";

const specialBits = 0o6000;

/** Sets what an entry says of a file that is there: owner, mode, xattrs and times, in this order, since each may clear the next. */
export class EntryAttributes {
  readonly #files: TreeFiles;
  readonly #keepOwners: boolean;

  constructor(files: TreeFiles, keepOwners: boolean) {
    this.#files = files;
    this.#keepOwners = keepOwners;
  }

  setOnFile(fd: number, path: ByteString, entry: TarEntry): void {
    this.#setOwnerAndMode(fd, path, entry);
    this.#files.setTimesFd(fd, path, laterOf(entry), entry.mtime);
  }

  /** All but its times, which each new child changes. */
  setOnDirectory(fd: number, path: ByteString, entry: TarEntry): void {
    this.#setOwnerAndMode(fd, path, entry);
  }

  /** What no descriptor is open for: a link, a device, a pipe. */
  setOnSpecial(path: ByteString, entry: TarEntry): void {
    if (this.#keepOwners) this.#files.chownLink(path, entry.uid, entry.gid);
    if (entry.type !== "symlink" && entry.mode & specialBits) this.#files.chmod(path, entry.mode);
    if (entry.xattrs !== undefined) this.#setXattrs(path, entry, entry.xattrs);
    const errno = this.#files.setTimes(path, laterOf(entry), entry.mtime);
    if (errno !== 0) throw fileError(errnoName(errno), "set times", path);
  }

  /** A file has its mode since it was made, but for the bits that a change of owner clears. */
  #setOwnerAndMode(fd: number, path: ByteString, entry: TarEntry): void {
    if (this.#keepOwners) this.#files.chownFd(fd, path, entry.uid, entry.gid);
    if (entry.type === "directory" || entry.mode & specialBits) this.#files.chmodFd(fd, path, entry.mode);
    if (entry.xattrs !== undefined) this.#setXattrs(path, entry, entry.xattrs);
  }

  /** The overlay's own xattrs would steer the mount; what the filesystem does not hold is left out, as peers do. */
  #setXattrs(path: ByteString, entry: TarEntry, xattrs: ReadonlyMap<ByteString, Buffer>): void {
    for (const [name, value] of xattrs) {
      if (name.startsWith("trusted.overlay.")) continue;
      if (name.length === 0 || name.length > 255 || name.includes("\0"))
        throw new EngineError("invalidArgument", `layer entry ${printable(entry.name)}: a bad xattr name`);
      const errno = this.#files.setXattr(path, name, value);
      const unsupported = errno === errnos.enotsup || (errno === errnos.eperm && entry.type !== "file");
      if (errno !== 0 && !unsupported) throw fileError(errnoName(errno), `set xattr ${printable(name)}`, path);
    }
  }
}

function laterOf({ atime, mtime }: TarEntry): TarTime {
  return atime === undefined || atime.seconds < mtime.seconds ? mtime : atime;
}
