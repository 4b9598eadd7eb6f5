import { constants } from "node:fs";
import { EngineError } from "#base/errors.ts";
import { errnoName, errnos } from "./syscalls.ts";
import { printable, type ByteString } from "./tar-entry.ts";
import { fileError, type TreeFiles } from "./tree-files.ts";
import { baseName, childPath, parentPath } from "./tree-path.ts";

/** How a tree says that something of a lower layer is gone; `none` takes the names as ordinary files. */
export type WhiteoutForm = "overlay" | "delete" | "none";

const prefix = ".wh.";
const metaPrefix = ".wh..wh.";
const opaqueName = ".wh..wh..opq";
const yes = Buffer.from("y");

/**
 * Whiteouts of one layer. They hide what lower layers have, never what this layer has, whichever comes first.
 * Source: OCI image-spec layer.md, "Whiteouts".
 */
export class Whiteouts {
  readonly #files: TreeFiles;
  readonly #form: WhiteoutForm;
  /** Whiteouts in overlay form that this layer made. */
  readonly #hidden = new Set<ByteString>();
  /** What this layer made. */
  readonly #made = new Set<ByteString>();

  constructor(files: TreeFiles, form: WhiteoutForm) {
    this.#files = files;
    this.#form = form;
  }

  /** `ignored`: names that aufs kept for itself. @throws invalidArgument for a whiteout of nothing, `.` or `..` */
  kindOf(path: ByteString): "none" | "file" | "opaque" | "ignored" {
    const name = baseName(path);
    if (this.#form === "none" || !name.startsWith(prefix)) return "none";
    if (name === opaqueName) return "opaque";
    if (name.startsWith(metaPrefix)) return "ignored";
    const hidden = name.slice(prefix.length);
    if (hidden === "" || hidden === "." || hidden === "..") {
      throw new EngineError("invalidArgument", `layer entry ${printable(path)}: a whiteout of ${printable(hidden)}`);
    }
    return "file";
  }

  made(path: ByteString): void {
    if (this.#form === "none") return;
    this.#made.add(path);
    if (this.#hidden.size > 0) this.#hidden.delete(path);
  }

  removed(path: ByteString): void {
    this.#made.delete(path);
    this.#hidden.delete(path);
  }

  isWhiteout(path: ByteString): boolean {
    return this.#hidden.has(path);
  }

  /** Answers 0 or the errno. */
  applyFile(path: ByteString): number {
    const target = childPath(parentPath(path), baseName(path).slice(prefix.length));
    if (this.#made.has(target)) return this.#hideBelow(target);
    if (this.#form === "delete") {
      this.#files.removeAll(target);
      return 0;
    }
    const errno = this.#files.mknod(target, constants.S_IFCHR, 0, 0);
    if (errno === 0) this.#hidden.add(target);
    return errno === errnos.eexist ? 0 : errno;
  }

  /** Hides all that lower layers have in `directory`; a link in its place hides all already. Answers 0 or the errno. */
  applyOpaque(directory: ByteString): number {
    if (this.#files.lstat(directory)?.isDirectory() !== true) return 0;
    return this.#form === "overlay" ? this.setOpaque(directory) : this.#removeForeign(directory);
  }

  /** Overlay form only. */
  setOpaque(directory: ByteString): number {
    const errno = this.#files.setXattr(directory, "trusted.overlay.opaque", yes);
    if (errno !== 0) throw fileError(errnoName(errno), "mark opaque", directory);
    return 0;
  }

  /** A whiteout of something that this layer has too hides the lower one, which only matters for a directory. */
  #hideBelow(target: ByteString): number {
    return this.applyOpaque(target);
  }

  #removeForeign(directory: ByteString): number {
    for (const name of this.#files.list(directory)) {
      const child = childPath(directory, name);
      if (!this.#made.has(child)) this.#files.removeAll(child);
      else if (this.#files.lstat(child)?.isDirectory()) this.#removeForeign(child);
    }
    return 0;
  }
}
