import { constants } from "node:fs";
import { readlink } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";
import { numbers, run, runSync, SyscallError, syscalls } from "./syscalls.ts";

const oPath = 0o10000000;
const oDirectory = constants.O_DIRECTORY;
const resolveInRoot = 0x10;
const resolveNoMagicLinks = 0x02;
const openHowBytes = 24;
const maxLinks = 40;
const eloop = 40;

/**
 * Opens `path` as if `root` were `/`. The caller closes the descriptor.
 *
 * @throws SyscallError with `ENOENT`, `ENOTDIR`, `ELOOP`…
 */
export async function openInRoot(root: string, path: string, flags: number): Promise<number> {
  // Here and now: to name a directory of ours, and to let go of it, waits for no file system.
  const rootFd = runSync(`open ${root}`, syscalls.openat, -100, root, oPath | oDirectory | 0o2000000, 0);
  try {
    const how = Buffer.alloc(openHowBytes);
    how.writeBigUInt64LE(BigInt(flags), 0);
    how.writeBigUInt64LE(BigInt(resolveInRoot | resolveNoMagicLinks), 16);
    return await run(`open ${path}`, syscalls.openat2, numbers.openat2, rootFd, path, how, openHowBytes);
  } catch (error) {
    if (errnoOf(error) !== "ENOSYS") throw error;
    return await walkFrom(rootFd, path, flags);
  } finally {
    runSync("close", syscalls.close, rootFd);
  }
}

/**
 * The same for Linux before 5.6: one name at a time, no link followed by the kernel. `..` is taken from the stack of
 * names walked, so a directory that is moved meanwhile cannot lead outside.
 */
export async function walkFrom(rootFd: number, path: string, flags: number): Promise<number> {
  const todo = path.split("/").filter((part) => part !== "" && part !== ".");
  const stack: number[] = [];
  let links = 0;
  try {
    while (todo.length > 0) {
      const name = todo.shift() ?? "";
      if (name === "..") {
        const left = stack.pop();
        if (left !== undefined) await run("close", syscalls.close, left);
        continue;
      }
      const at = stack.at(-1) ?? rootFd;
      const link = await readlink(`/proc/self/fd/${at}/${name}`).catch(() => undefined);
      if (link !== undefined) {
        if (++links > maxLinks) throw new SyscallError(`open ${path}`, eloop);
        if (link.startsWith("/")) for (const fd of stack.splice(0)) await run("close", syscalls.close, fd);
        todo.unshift(...link.split("/").filter((part) => part !== "" && part !== "."));
        continue;
      }
      const last = todo.length === 0;
      const how = last ? flags : oPath | oDirectory;
      const fd = await run(`open ${path}`, syscalls.openat, at, name, how | constants.O_NOFOLLOW | 0o2000000, 0);
      if (last) return fd;
      stack.push(fd);
    }
    return await run(`open ${path}`, syscalls.openat, stack.at(-1) ?? rootFd, ".", flags, 0);
  } finally {
    for (const fd of stack) await run("close", syscalls.close, fd);
  }
}
