import { createHash } from "node:crypto";
import { createReadStream, type BigIntStats } from "node:fs";
import { lstat, mkdir, open, readdir, readlink, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory } from "#base/atomic-file.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";
import { isAbsent, replaceFile, temporaryOf, type HostFiles } from "../host/host-files.ts";
import type { Commands } from "./commands.ts";

/**
 * How a path was before a step: what the journal keeps. The bytes, with mode, owner, times and extended attributes, lie in
 * the undo directory under `copy`, made by `cp --archive`.
 */
export type SavedPath = {
  readonly path: string;
  /** Name in the undo directory; null when nothing had this name. */
  readonly copy: string | null;
  /** Directories above that were missing too, outermost first. */
  readonly missingParents: readonly string[];
};

/** Where copies are made and put back. */
export type SavedFilesContext = {
  readonly files: HostFiles;
  readonly commands: Commands;
  readonly undoDirectory: string;
};

/**
 * Copies each path (a file, link or whole tree) durably; of a link, `targets` says whether what it leads to is kept too.
 * Done again, it begins anew.
 */
export async function savePaths(
  call: Call,
  context: SavedFilesContext,
  paths: readonly string[],
  targets: "with targets" | "links alone" = "with targets",
): Promise<SavedPath[]> {
  const { files, undoDirectory } = context;
  await rm(undoDirectory, { recursive: true, force: true });
  await mkdir(undoDirectory, { recursive: true, mode: 0o700 });
  const saved: SavedPath[] = [];
  for (const path of targets === "links alone" ? paths : await withTargets(files, paths)) {
    const missingParents = await files.missingParents(path);
    const copy = (await files.exists(path)) ? String(saved.length) : null;
    if (copy !== null) await copyTree(call, context, await files.locate(path, "keep"), join(undoDirectory, copy));
    saved.push({ path, copy, missingParents });
  }
  await syncTree(undoDirectory);
  await syncDirectory(dirname(undoDirectory));
  return saved;
}

/** Puts every path back as it was; what is so already is left alone. Can be repeated. */
export async function restorePaths(call: Call, context: SavedFilesContext, saved: readonly SavedPath[]): Promise<void> {
  for (const one of saved.toReversed()) {
    const target = await context.files.locate(one.path, "keep");
    const source = one.copy === null ? undefined : join(context.undoDirectory, one.copy);
    await rm(temporaryOf(target), { recursive: true, force: true });
    await restoreEntry(call, context, source, target);
    for (const directory of one.missingParents.toReversed()) await removeEmpty(await context.files.locate(directory));
  }
}

export function decodeSavedPaths(reader: JsonReader): SavedPath[] {
  return reader.list(100_000).map((item) => ({
    path: item.at("path").string(),
    copy: item.at("copy").optionalString() ?? null,
    missingParents: item.at("missingParents").strings(1_000),
  }));
}

/** A link is kept as a link, and the file that it stands for beside it. */
async function withTargets(files: HostFiles, paths: readonly string[]): Promise<string[]> {
  const all: string[] = [];
  for (const path of paths) {
    const [own, target] = [await files.locate(path, "keep"), await files.locate(path)];
    all.push(path);
    if (own !== target) all.push(files.root === "/" ? target : target.slice(files.root.length));
  }
  return [...new Set(all)];
}

async function copyTree(call: Call, context: SavedFilesContext, from: string, to: string): Promise<void> {
  await context.commands.run(call, ["cp", "--archive", "--no-target-directory", "--", from, to]);
}

async function restoreEntry(
  call: Call,
  context: SavedFilesContext,
  source: string | undefined,
  target: string,
): Promise<void> {
  const [was, is] = [source === undefined ? undefined : await look(source), await look(target)];
  if (was === undefined || source === undefined) {
    if (is !== undefined) await rm(target, { recursive: true, force: true });
    return;
  }
  if (was.isDirectory() && is?.isDirectory() === true) return await restoreDirectory(call, context, source, target);
  if (is !== undefined && (await isSame(source, was, target, is))) return;
  if (is?.isDirectory() === true) await rm(target, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  await replaceFile(target, async (temporary) => await copyTree(call, context, source, temporary));
}

/** Entry by entry, so that what nobody touched keeps its inode; then the directory's own attributes. */
async function restoreDirectory(call: Call, context: SavedFilesContext, source: string, target: string): Promise<void> {
  const names = new Set([...(await readdir(source)), ...(await readdir(target))]);
  for (const name of names) {
    const from = join(source, name);
    const kept = (await look(from)) === undefined ? undefined : from;
    await restoreEntry(call, context, kept, join(target, name));
  }
  await context.commands.run(call, ["sh", "-c", attributesScript, "sh", source, target]);
}

/** Of a directory alone: `cp --archive` would go into it. */
const attributesScript = 'chown --reference="$1" "$2" && chmod --reference="$1" "$2" && touch --reference="$1" "$2"';

async function isSame(from: string, was: BigIntStats, to: string, is: BigIntStats): Promise<boolean> {
  const alike =
    was.mode === is.mode &&
    was.uid === is.uid &&
    was.gid === is.gid &&
    was.mtimeNs === is.mtimeNs &&
    was.size === is.size;
  if (!alike) return false;
  if (was.isSymbolicLink()) return (await readlink(from)) === (await readlink(to));
  return was.isFile() && (await digest(from)) === (await digest(to));
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function look(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => {
    // Somebody put something there since, or it has gone: neither is ours to remove.
  });
}

async function syncTree(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isDirectory() && !stats.isFile()) return;
  if (stats.isDirectory()) for (const name of await readdir(path)) await syncTree(join(path, name));
  await using file = await open(path, "r");
  await file.sync();
}
