import { constants } from "node:fs";
import { chmod, chown, link, lstat, mkdir, open, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import { readTar } from "#base/tar/read-tar.ts";
import type { TarEntry } from "#base/tar/tar-header.ts";
import { CliError } from "../cli-error.ts";

export type ExtractTarget = {
  /** Directory that nothing is written outside of. */
  readonly directory: string;
  /** The archive's topmost name, and what it is called here instead. */
  readonly rename?: { readonly from: string; readonly to: string };
  readonly owners: boolean;
};

/**
 * Unpacks an archive somebody else made below a directory. Names that lead out of it are refused, and so is writing
 * through a link that the archive, or anybody, put there. Devices are left out.
 *
 * @throws CliError for such a name @throws dataLoss when the archive is truncated or malformed
 */
export async function extractTree(chunks: AsyncIterable<Buffer>, target: ExtractTarget): Promise<void> {
  const directories: TarEntry[] = [];
  for await (const member of readTar(chunks)) {
    const { entry } = member;
    const parts = partsOf(entry.name, target);
    if (parts.length === 0) continue;
    await prepareParent(target.directory, parts);
    await extractMember(member, join(target.directory, ...parts), target);
    if (entry.type === "directory") directories.push({ ...entry, name: parts.join("/") });
  }
  // Last, so that a directory without write permission can be filled, and deepest first for the times.
  for (const directory of directories.reverse()) {
    const path = join(target.directory, directory.name);
    await chmod(path, directory.mode);
    await utimes(path, directory.mtimeSeconds, directory.mtimeSeconds);
  }
}

function partsOf(name: string, { rename }: ExtractTarget): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0"))
    throw new CliError(`archive: ${JSON.stringify(name)} leads out of the target`);
  if (rename !== undefined && parts[0] === rename.from) {
    return [...rename.to.split("/").filter((part) => part !== "" && part !== "."), ...parts.slice(1)];
  }
  return parts;
}

/** Makes the directories above a member and refuses links among them. */
async function prepareParent(root: string, parts: readonly string[]): Promise<void> {
  let path = root;
  for (const part of parts.slice(0, -1)) {
    path = join(path, part);
    await makeDirectory(path);
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    if (!(await lstat(path)).isDirectory()) throw new CliError(`${path}: is there and is no directory`);
  }
}

type Member = { readonly entry: TarEntry; readonly body: AsyncIterable<Buffer> };

async function extractMember({ entry, body }: Member, path: string, target: ExtractTarget): Promise<void> {
  if (entry.type === "directory") await makeDirectory(path);
  else if (entry.type === "file") await writeFile({ entry, body }, path);
  else if (entry.type === "symlink") {
    await rm(path, { force: true });
    await symlink(entry.linkName, path);
  } else if (entry.type === "hardlink") {
    const source = partsOf(entry.linkName, target);
    await prepareParent(target.directory, source);
    await rm(path, { force: true });
    await link(join(target.directory, ...source), path);
  }
  if (target.owners && (entry.type === "file" || entry.type === "directory")) await chown(path, entry.uid, entry.gid);
}

async function writeFile({ entry, body }: Member, path: string): Promise<void> {
  const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw new CliError(`${path}: is a directory, and a file is to be written there`);
  if (found?.isSymbolicLink() === true) await rm(path);
  await mkdir(dirname(path), { recursive: true });
  await using file = await open(path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, entry.mode);
  for await (const bytes of body) await file.write(bytes);
  await file.chmod(entry.mode);
  await file.utimes(entry.mtimeSeconds, entry.mtimeSeconds);
}
