import { constants } from "node:fs";
import { lstat, mkdir, open, readFile, readlink, rename, rm, stat } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { syncDirectory } from "#base/atomic-file.ts";
import { EngineError, errnoOf } from "#base/errors.ts";

/** Owner and permission bits of a file. */
export type FileOwner = { readonly mode: number; readonly uid: number; readonly gid: number };

/**
 * Files of a node by their paths on it, below a root that may be another than `/`; written so that a power failure leaves
 * the old bytes or the new ones. Links are followed as the node would, never out of the root.
 */
export class HostFiles {
  readonly root: string;

  constructor(root = "/") {
    this.root = root;
  }

  /**
   * Where `path` is on this machine, every link followed but those of the last name when `last` is `keep`. What does not
   * exist is taken as plain names.
   *
   * @throws invalidArgument for a relative path or more than 40 links
   */
  async locate(path: string, last: "follow" | "keep" = "follow"): Promise<string> {
    if (!path.startsWith("/")) throw new EngineError("invalidArgument", `path ${path}: not absolute`);
    const names = normalize(path).split("/").filter(Boolean);
    let inside = "/";
    for (let links = 0, name = names.shift(); name !== undefined; name = names.shift()) {
      const at = join(inside, name);
      const target = last === "keep" && names.length === 0 ? undefined : await this.#linkTarget(at);
      if (target === undefined) {
        inside = at;
        continue;
      }
      if (++links > 40) throw new EngineError("invalidArgument", `path ${path}: too many links`);
      names.unshift(...target.split("/").filter(Boolean));
      // `..` of a link leaves one directory, never the root: join stops there.
      inside = target.startsWith("/") ? "/" : inside;
    }
    return join(this.root, inside);
  }

  /** The bytes of a file, links followed; undefined when there is none. */
  async find(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(await this.locate(path));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Owner and mode, links followed; undefined when there is no such file. */
  async owner(path: string): Promise<FileOwner | undefined> {
    try {
      const { mode, uid, gid } = await stat(await this.locate(path));
      return { mode: mode & 0o7777, uid, gid };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Whether anything has this name, a dangling link too. */
  async exists(path: string): Promise<boolean> {
    try {
      await lstat(await this.locate(path, "keep"));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  /** Directories above `path` that are missing, outermost first, as the node names them. */
  async missingParents(path: string): Promise<string[]> {
    const missing: string[] = [];
    for (let at = dirname(normalize(path)); at !== "/" && !(await this.exists(at)); at = dirname(at)) {
      missing.unshift(at);
    }
    return missing;
  }

  /** Replaces a file's bytes, through links, and makes directories above it; a new file is root's. */
  async write(path: string, data: string | Uint8Array, owner: FileOwner): Promise<void> {
    const target = await this.locate(path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await replaceFile(target, async (temporary) => {
      await using file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      await file.writeFile(data);
      await file.chown(owner.uid, owner.gid);
      await file.chmod(owner.mode);
      await file.sync();
    });
  }

  /** Removes a file or link; no error when there is none. */
  async remove(path: string): Promise<void> {
    const target = await this.locate(path, "keep");
    await rm(target, { force: true });
    await syncDirectory(dirname(target)).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
  }

  async #linkTarget(inside: string): Promise<string | undefined> {
    try {
      return await readlink(join(this.root, inside));
    } catch (error) {
      if (isAbsent(error) || errnoOf(error) === "EINVAL") return undefined;
      throw error;
    }
  }
}

/**
 * `write` makes a file beside `target`, which then takes its place; durable on return. One that a crash left there is taken
 * away first.
 */
export async function replaceFile(target: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryOf(target);
  await rm(temporary, { recursive: true, force: true });
  try {
    await write(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(target));
}

/** Where what is to become `target` is written: always there, so that what a crash leaves is found again. */
export function temporaryOf(target: string): string {
  return `${target}.ferry-new`;
}

/** Whether an error says that there is no such file. */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
