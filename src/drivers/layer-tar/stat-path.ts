import { lstatSync, readlinkSync, realpathSync, type BigIntStats } from "node:fs";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { StatResult } from "./layer-job.ts";
import { printable, type ByteString } from "./tar-entry.ts";
import { bytesOf } from "./tree-files.ts";
import { baseName, parentPath } from "./tree-path.ts";

/** A path of the tree that is this thread's root, its parents' links followed. */
export type LocatedPath = {
  /** Absolute in the tree. */
  readonly path: ByteString;
  /** How it was called: the last part of the name, `.` for what ends in a slash and a dot. */
  readonly name: ByteString;
  readonly stat: BigIntStats;
};

/** Finds `path` as Docker does: the last link is followed only when a slash or `/.` ends the name. @throws notFound */
export function locatePath(path: ByteString): LocatedPath {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const clean = parts.join("/");
  const follows = clean === "" || /\/\.?$/.test(path);
  try {
    const located = follows
      ? realPath(`/${clean}`)
      : `${realPath(`/${parentPath(clean)}`).replace(/\/$/, "")}/${baseName(clean)}`;
    const name = /(?:^|\/)\.$/.test(path) ? "." : clean === "" ? "/" : baseName(clean);
    return { path: located, name, stat: lstatSync(bytesOf(located), { bigint: true }) };
  } catch (error) {
    throw pathError(error, path);
  }
}

/** @throws notFound */
export function statPath(path: ByteString): StatResult {
  const { path: located, name, stat } = locatePath(path);
  return {
    name: utf8(name),
    sizeBytes: Number(stat.size),
    mode: Number(stat.mode),
    mtimeNs: stat.mtimeNs,
    linkTarget: stat.isSymbolicLink() ? utf8(linkTargetOf(located)) : "",
  };
}

export function realPath(path: ByteString): ByteString {
  return realpathSync.native(bytesOf(path).toString("utf8"), { encoding: "latin1" });
}

export function pathError(error: unknown, path: ByteString): unknown {
  const code = errnoOf(error);
  const text = `${printable(path)}: no such file or directory`;
  if (code === "ENOENT" || code === "ENOTDIR") return new EngineError("notFound", text, { cause: error });
  if (code === "ELOOP")
    return new EngineError("invalidArgument", `${printable(path)}: too many links`, { cause: error });
  return error;
}

/** Where the link leads with all others followed; as far as names go when nothing is there. */
function linkTargetOf(path: ByteString): ByteString {
  try {
    return realPath(path);
  } catch {
    const target = readlinkSync(bytesOf(path), { encoding: "latin1" });
    return target.startsWith("/") ? target : `/${[parentPath(path), target].join("/")}`.replace(/\/+/g, "/");
  }
}

function utf8(name: ByteString): string {
  return bytesOf(name).toString("utf8");
}
