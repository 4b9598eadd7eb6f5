import { closeSync, constants, lstatSync, openSync, readlinkSync, type Stats } from "node:fs";
import { EngineError, errnoOf } from "../errors.ts";

const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const maxLinks = 40;
/** A tree's directories are asked for again and again; a tree of millions is not held whole. */
const maxCached = 20_000;

/**
 * Files of a tree that nobody vouches for: names are resolved as if its directory were the root, and only regular files
 * are opened. The tree must not change meanwhile. Names and answers are bytes, one character each.
 */
export class RootedFiles {
  readonly #root: string;
  readonly #directories = new Map<string, string>();

  constructor(directory: string) {
    this.#root = Buffer.from(directory).toString("latin1");
  }

  /** Where `name` is, relative to the root and without a link in its directories. @throws invalidArgument when above it */
  resolve(name: string): string {
    const parts = cleanParts(name);
    const base = parts.pop() ?? "";
    return join(this.#directory(parts, 0), base);
  }

  /**
   * Opens the regular file at a resolved path; the caller closes it.
   *
   * @throws dataLoss when there is none, or one of another size
   */
  open(resolved: string, sizeBytes: number): number {
    const path = this.#bytes(resolved);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) throw new EngineError("dataLoss", `file ${shown(resolved)}: ${missing(stat)}`);
    if (stat.size !== sizeBytes) {
      throw new EngineError("dataLoss", `file ${shown(resolved)}: ${stat.size} bytes, its layer says ${sizeBytes}`);
    }
    return openSync(path, openFlags);
  }

  /** Runs `use` on the open file. @throws as {@link open} */
  with<T>(name: string, sizeBytes: number, use: (fd: number, resolved: string) => T): T {
    const resolved = this.resolve(name);
    const fd = this.open(resolved, sizeBytes);
    try {
      return use(fd, resolved);
    } finally {
      closeSync(fd);
    }
  }

  #directory(parts: readonly string[], links: number): string {
    const key = parts.join("/");
    const known = this.#directories.get(key);
    if (known !== undefined) return known;
    const resolved = this.#walk(parts, links);
    if (this.#directories.size >= maxCached) this.#directories.clear();
    this.#directories.set(key, resolved);
    return resolved;
  }

  #walk(parts: readonly string[], links: number): string {
    const name = parts.at(-1);
    if (name === undefined) return "";
    const parent = this.#directory(parts.slice(0, -1), links);
    const path = this.#bytes(join(parent, name));
    if (!this.#isLink(path)) return join(parent, name);
    if (links >= maxLinks) throw new EngineError("dataLoss", `directory ${shown(parts.join("/"))}: too many links`);
    const target = readlinkSync(path, { encoding: "latin1" });
    // As in a root of its own, `..` at the top stays at the top.
    const from = target.startsWith("/") ? "" : parent;
    return this.#directory(climbingParts(join(from, target)), links + 1);
  }

  #isLink(path: Buffer): boolean {
    try {
      return lstatSync(path).isSymbolicLink();
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
      throw error;
    }
  }

  #bytes(path: string): Buffer {
    return Buffer.from(join(this.#root, path), "latin1");
  }
}

/** @throws invalidArgument for a name that climbs above its root, or has a NUL */
function cleanParts(name: string): string[] {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined)
      throw new EngineError("invalidArgument", `file ${shown(name)}: it leaves the tree`);
  }
  if (name.includes("\0")) throw new EngineError("invalidArgument", `file ${shown(name)}: NUL in a name`);
  return parts;
}

function climbingParts(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function join(directory: string, name: string): string {
  return directory === "" ? name : name === "" ? directory : `${directory}/${name}`;
}

function missing(stat: Stats | undefined): string {
  return stat === undefined ? "missing" : "no regular file";
}

function shown(name: string): string {
  return JSON.stringify(Buffer.from(name, "latin1").toString("utf8").slice(0, 200));
}
