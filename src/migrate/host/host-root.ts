import { constants } from "node:fs";
import { lstat, open, readdir, readlink, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";

export type HostFileKind = "file" | "directory" | "link" | "socket" | "other";

export type HostFileStat = {
  readonly kind: HostFileKind;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
};

/** Longer than any configuration file; what is longer is an error, never cut. */
const defaultMaxBytes = 4 << 20;
/** As Linux has it. */
const maxLinks = 40;
const maxNames = 20_000;

/**
 * A node's files below a directory: `/` on the node itself, or a copy of its root.
 *
 * Paths are the host's, absolute. Links are followed as the host would follow them, an absolute one from this root and
 * `..` no higher than it, so a link in a copy never leads to a file of the machine that reads it. What is absent is
 * `undefined` or empty; only regular files are read, up to a size.
 */
export class HostRoot {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @throws notFound when `directory` is none */
  static async open(directory: string): Promise<HostRoot> {
    const found = await stat(directory).catch(() => undefined);
    if (found?.isDirectory() !== true) throw new EngineError("notFound", `host root ${directory}: not a directory`);
    return new HostRoot(directory);
  }

  /** Whether this is the running system's own root. */
  get isRunning(): boolean {
    return join(this.directory, "/") === "/";
  }

  /**
   * @throws outOfRange when it is longer than `maxBytes`
   * @throws permissionDenied
   */
  async findBytes(path: string, maxBytes = defaultMaxBytes): Promise<Buffer | undefined> {
    const real = await this.#resolve(path, true);
    if (real === undefined) return undefined;
    try {
      // Non-blocking: a FIFO in a copied root must not hold us.
      await using file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      return await readBounded(file, path, maxBytes);
    } catch (error) {
      return absentOr(error, path);
    }
  }

  /** Bytes that are not UTF-8 become replacement characters. @throws as {@link findBytes} */
  async findText(path: string, maxBytes = defaultMaxBytes): Promise<string | undefined> {
    return (await this.findBytes(path, maxBytes))?.toString("utf8");
  }

  /** Names in a directory, sorted by their bytes as the tools that read `*.d` directories do. */
  async list(path: string): Promise<readonly string[]> {
    const real = await this.#resolve(path, true);
    if (real === undefined) return [];
    try {
      const names = await readdir(real);
      if (names.length > maxNames) throw new EngineError("outOfRange", `${path}: more than ${maxNames} names`);
      return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    } catch (error) {
      return absentOr(error, path) ?? [];
    }
  }

  /** Follows links unless `follow` is false, which answers the link itself. */
  async find(path: string, options: { follow?: boolean } = {}): Promise<HostFileStat | undefined> {
    const real = await this.#resolve(path, options.follow ?? true);
    if (real === undefined) return undefined;
    const found = await lstat(real).catch((error: unknown) => absentOr(error, path));
    if (found === undefined) return undefined;
    return { kind: kindOf(found), sizeBytes: found.size, mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
  }

  async exists(path: string): Promise<boolean> {
    return (await this.find(path)) !== undefined;
  }

  /** What a link says, unresolved. */
  async findLink(path: string): Promise<string | undefined> {
    const real = await this.#resolve(path, false);
    return real === undefined ? undefined : await readlink(real).catch(() => undefined);
  }

  /** The path that `path` really stands for, as the host names it (`/var/run/x` is `/run/x`). */
  async findRealPath(path: string): Promise<string | undefined> {
    const real = await this.#resolve(path, true);
    return real === undefined ? undefined : join("/", real.slice(join(this.directory, "/").length - 1));
  }

  /** Walks component by component; `followLast` false leaves a link at the end as it is. */
  async #resolve(path: string, followLast: boolean): Promise<string | undefined> {
    if (path.includes("\0")) return undefined;
    const pending = path.split("/").reverse();
    const done: string[] = [];
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done.pop();
        continue;
      }
      const here = join(this.directory, ...done, name);
      const found = await lstat(here).catch((error: unknown) => absentOr(error, path));
      if (found === undefined) return undefined;
      if (!found.isSymbolicLink() || (!followLast && pending.length === 0)) {
        done.push(name);
        continue;
      }
      if (++links > maxLinks) return undefined;
      const target = await readlink(here);
      if (target.startsWith("/")) done.length = 0;
      pending.push(...target.split("/").reverse());
    }
    return join(this.directory, ...done);
  }
}

async function readBounded(file: FileHandle, path: string, maxBytes: number): Promise<Buffer | undefined> {
  if (!(await file.stat()).isFile()) return undefined;
  const parts: Buffer[] = [];
  let length = 0;
  // By reading, not by the size: a file of /proc says 0.
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(64 << 10));
    if (bytesRead === 0) return Buffer.concat(parts);
    length += bytesRead;
    if (length > maxBytes) throw new EngineError("outOfRange", `${path}: longer than ${maxBytes} bytes`);
    parts.push(buffer.subarray(0, bytesRead));
  }
}

function kindOf(found: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean; isSocket(): boolean }) {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  if (found.isSymbolicLink()) return "link";
  return found.isSocket() ? "socket" : "other";
}

/** A process of /proc that ended meanwhile is absent too (ESRCH). */
function absentOr(error: unknown, path: string): undefined {
  const code = errnoOf(error) ?? "";
  if (["ENOENT", "ENOTDIR", "ELOOP", "ESRCH", "ENXIO", "EISDIR"].includes(code)) return undefined;
  if (code === "EACCES" || code === "EPERM")
    throw new EngineError("permissionDenied", `${path}: permission denied`, { cause: error });
  throw error;
}
