import { constants, lstatSync, type BigIntStats } from "node:fs";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { LayerJob } from "./layer-job.ts";
import { errnoName, syscalls } from "./syscalls.ts";
import { printable, type ByteString } from "./tar-entry.ts";
import type { ThreadRoot } from "./thread-root.ts";
import { bytesOf, fileError, toTime, TreeFiles } from "./tree-files.ts";
import { cleanPath } from "./tree-path.ts";

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | 0o2000000;

/** Gives directories of a layer what the layers below say of them. */
export function inheritDirectories(root: ThreadRoot, job: LayerJob & { t: "inherit" }): void {
  const found = job.directories.map((path) => {
    const clean = cleanPath(path, "directory");
    return { path: clean, stat: findBelow(clean, job.parents) };
  });
  using _root = root.enter(job.directory);
  const files = new TreeFiles();
  // Deepest first is not needed: no child is made any more, so no time changes again.
  for (const { path, stat } of found) if (stat !== undefined) give(files, path, stat);
}

/** Attributes of the nearest parent that has the directory; undefined when none has or the nearest took it away. */
function findBelow(path: ByteString, parents: readonly string[]): BigIntStats | undefined {
  for (const parent of parents) {
    const seen = look(parent, path);
    if (seen.t === "directory") return seen.stat;
    if (seen.t === "hidden") return undefined;
  }
  return undefined;
}

type Seen = { t: "missing" } | { t: "hidden" } | { t: "directory"; stat: BigIntStats };

/** One name at a time, so that no link of the lower tree is followed. */
function look(parent: string, path: ByteString): Seen {
  let stat: BigIntStats | undefined;
  let opaque = false;
  let at = Buffer.from(parent);
  for (const part of path === "" ? [""] : path.split("/")) {
    at = Buffer.concat([at, Buffer.from("/"), bytesOf(part)]);
    stat = lstatSync(at, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return { t: opaque ? "hidden" : "missing" };
    if (stat.isSymbolicLink()) {
      throw new EngineError(
        "failedPrecondition",
        `layer entry below ${printable(path)}: a layer below has a link there`,
      );
    }
    if (!stat.isDirectory()) return { t: "hidden" };
    opaque ||= isOpaque(at);
  }
  return stat === undefined ? { t: "missing" } : { t: "directory", stat };
}

const opaqueKey = Buffer.from("trusted.overlay.opaque\0");
const value = Buffer.alloc(8);

function isOpaque(path: Buffer): boolean {
  const length: number = syscalls.lgetxattr(Buffer.concat([path, Buffer.from([0])]), opaqueKey, value, value.length);
  return length === 1 && value[0] === 0x79;
}

function give(files: TreeFiles, path: ByteString, stat: BigIntStats): void {
  const fd = files.open(path, directoryFlags, 0);
  if (fd < 0) throw fileError(errnoName(-fd), "open", path);
  try {
    files.chownFd(fd, path, Number(stat.uid), Number(stat.gid));
    files.chmodFd(fd, path, Number(stat.mode & 0o7777n));
    files.setTimesFd(fd, path, toTime(stat.atimeNs), toTime(stat.mtimeNs));
  } catch (error) {
    throw errnoOf(error) === undefined ? error : fileError(errnoOf(error) ?? "EIO", "inherit", path);
  } finally {
    files.close(fd);
  }
}
