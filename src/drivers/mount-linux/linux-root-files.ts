import { close, constants, fstat, read } from "node:fs";
import { chmod, lchown, readlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { RootFiles } from "#core/mounts/root-files.ts";
import { openInRoot } from "./open-in-root.ts";
import { run, syscalls, toEngineError } from "./syscalls.ts";

const closeFd = promisify(close);
const statFd = promisify(fstat);
const readFd = promisify(read);

const oPath = 0o10000000;
const defaultMaxBytes = 16 * 1024 * 1024;
/** As the kernel's own bound on links in one path. */
const maxLinks = 40;

/** {@link RootFiles} by openat2(2). Several may work in one tree; the tree's own processes may change it meanwhile. */
export class LinuxRootFiles implements RootFiles {
  async find(_call: Call, root: string, path: string, maxBytes = defaultMaxBytes): Promise<Uint8Array | undefined> {
    const fd = await open(root, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (fd === undefined) return undefined;
    try {
      const stat = await statFd(fd);
      if (!stat.isFile()) return undefined;
      if (stat.size > maxBytes)
        throw new EngineError("outOfRange", `${path}: ${stat.size} bytes, more than ${maxBytes}`);
      return await readWhole(fd, stat.size, maxBytes, path);
    } finally {
      await closeFd(fd);
    }
  }

  async resolve(_call: Call, root: string, path: string): Promise<string> {
    return await resolveIn(root, path, 0);
  }

  async makeDirectory(
    _call: Call,
    root: string,
    path: string,
    mode: number,
    owner: { uid: number; gid: number },
  ): Promise<string> {
    let at = await resolveIn(root, "/", 0);
    let inside = "/";
    for (const part of path.split("/").filter((part) => part !== "" && part !== ".")) {
      inside = join(inside, part);
      const fd = await open(root, inside, oPath | constants.O_DIRECTORY);
      at = fd === undefined ? await makeOne(root, inside, mode, owner) : await pathOf(fd);
    }
    return at;
  }

  async makeFile(call: Call, root: string, path: string): Promise<string> {
    if ((await this.kind(call, root, path)) !== "missing") return await resolveIn(root, path, 0);
    const target = await insideOf(root, await resolveIn(root, path, 0, true));
    await this.makeDirectory(call, root, dirname(target), 0o755, { uid: 0, gid: 0 });
    return await atParent(root, target, async (parent, name) => {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      await closeFd(await run(`open ${path}`, syscalls.openat, parent, name, flags, 0o644));
    });
  }

  async kind(_call: Call, root: string, path: string): Promise<"missing" | "file" | "directory" | "other"> {
    const fd = await open(root, path, oPath);
    if (fd === undefined) return "missing";
    try {
      const stat = await statFd(fd);
      return stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other";
    } finally {
      await closeFd(fd);
    }
  }
}

/** Undefined when something on the way is missing or no directory. */
async function open(root: string, path: string, flags: number): Promise<number | undefined> {
  try {
    return await openInRoot(root, path, flags | 0o2000000);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw toEngineError(error, path);
  }
}

/** Reads to the end that was seen, where one was, and not one byte above the bound though the file grow meanwhile. */
async function readWhole(fd: number, sizeBytes: number, maxBytes: number, path: string): Promise<Uint8Array> {
  // Files of /proc and /sys say 0.
  let buffer = Buffer.allocUnsafe(Math.max(sizeBytes + 1, 4096));
  let filled = 0;
  for (;;) {
    const { bytesRead } = await readFd(fd, buffer, filled, buffer.length - filled, filled);
    filled += bytesRead;
    if (filled > maxBytes) throw new EngineError("outOfRange", `${path}: more than ${maxBytes} bytes`);
    if (bytesRead === 0 || filled === sizeBytes) return buffer.subarray(0, filled);
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
  }
}

/** Host path of an open descriptor, which is closed. */
async function pathOf(fd: number): Promise<string> {
  try {
    return await readlink(`/proc/self/fd/${fd}`);
  } finally {
    await closeFd(fd);
  }
}

/** With `parentsMayMiss`, only names that are there are followed and the rest is taken as it stands. */
async function resolveIn(root: string, path: string, links: number, parentsMayMiss = false): Promise<string> {
  const fd = await open(root, path, oPath);
  if (fd !== undefined) return await pathOf(fd);
  const name = basename(path);
  const parentFd = await open(root, dirname(path), oPath | constants.O_DIRECTORY);
  if (parentFd === undefined) {
    if (!parentsMayMiss) throw new EngineError("notFound", `${path}: no such directory`);
    return join(await resolveIn(root, dirname(path), links, true), name);
  }
  const parent = await pathOf(parentFd);
  const link = await readlink(join(parent, name)).catch(() => undefined);
  if (link === undefined) return join(parent, name);
  if (links >= maxLinks) throw new EngineError("invalidArgument", `${path}: too many levels of symbolic links`);
  const target = link.startsWith("/") ? link : join(await insideOf(root, parent), link);
  return await resolveIn(root, target, links + 1, parentsMayMiss);
}

/** Path inside of `root` of a host path below it. */
async function insideOf(root: string, host: string): Promise<string> {
  const top = await resolveIn(root, "/", 0);
  if (host === top) return "/";
  return top === "/" ? host : host.slice(top.length);
}

/** Makes one directory whose parent is there; a dangling link is followed first. */
async function makeOne(root: string, path: string, mode: number, owner: { uid: number; gid: number }): Promise<string> {
  const target = await insideOf(root, await resolveIn(root, path, 0));
  return await atParent(root, target, async (parent, name) => {
    try {
      await run(`mkdir ${path}`, syscalls.mkdirat, parent, name, mode);
    } catch (error) {
      throw toEngineError(error, path);
    }
    const made = `/proc/self/fd/${parent}/${name}`;
    await lchown(made, owner.uid, owner.gid);
    await chmod(made, mode);
  });
}

/** Runs `work` with the parent of `path` open; answers the host path. */
async function atParent(
  root: string,
  path: string,
  work: (parent: number, name: string) => Promise<void>,
): Promise<string> {
  const parent = await open(root, dirname(path), oPath | constants.O_DIRECTORY);
  if (parent === undefined) throw new EngineError("notFound", `${dirname(path)}: no such directory`);
  const name = basename(path);
  try {
    await work(parent, name);
    return join(await readlink(`/proc/self/fd/${parent}`), name);
  } finally {
    await closeFd(parent);
  }
}
