import { closeSync } from "node:fs";
import { copyFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { runProcess } from "./run-process.ts";

type Copy = { readonly version: string; readonly path: Promise<string | undefined> };

/** State of the module's own: a copy is the same for everybody in this process, and there is one for each program. */
const copies = new Map<string, Copy>();

/** Nobody who was given the path of a copy takes longer to execute it. */
const handOverMs = 60_000;
const probeMs = 5_000;

/**
 * A path at which the program `path` is executed with less work: a sealed copy in this process's memory; `path` itself
 * where that cannot be. For OCI runtimes: crun and runc do not run from a file that a container could write to through
 * `/proc/self/exe` (CVE-2019-5736), so each run begins with copying the program into a sealed file in memory and executing
 * that one; a program that finds itself in such a file goes on at once. runc has a tool that does the same for the whole
 * machine: https://github.com/opencontainers/runc/tree/main/contrib/cmd/memfd-bind.
 *
 * The path is good for children, and theirs, as long as this process lives. A program that has changed is copied anew.
 */
export async function sealedProgram(path: string): Promise<string> {
  const version = await versionOf(path);
  // The caller's own attempt to start it says what is wrong.
  if (version === undefined) return path;
  const known = copies.get(path);
  if (known?.version === version) return (await known.path) ?? path;
  const copy = { version, path: copyOf(path) };
  copies.set(path, copy);
  if (known !== undefined) void known.path.then(closeLater);
  return (await copy.path) ?? path;
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  } catch {
    return undefined;
  }
}

/** Undefined where the machine forbids files in memory, or to execute them (`vm.memfd_noexec`, a security module). */
async function copyOf(path: string): Promise<string | undefined> {
  const { openProgramFile, sealFile } = await import("./syscalls.ts");
  let fd: number | undefined;
  try {
    fd = openProgramFile(basename(path));
    const sealed = `/proc/${process.pid}/fd/${fd}`;
    await copyFile(path, sealed);
    sealFile(fd);
    const signal = AbortSignal.timeout(probeMs);
    const { code } = await runProcess({ path: sealed, args: ["--version"], env: {}, cwd: "/", signal });
    if (code === 0) return sealed;
  } catch {
    // As it stands, then.
  }
  if (fd !== undefined) closeSync(fd);
  return undefined;
}

function closeLater(path: string | undefined): void {
  if (path !== undefined) setTimeout(() => closeSync(Number(basename(path))), handOverMs).unref();
}
