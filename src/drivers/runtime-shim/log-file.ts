import { open, readdir, readFile, rename, rm, truncate, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { toLogError } from "#core/tasks/to-log-error.ts";

export type LogFileOptions = {
  readonly path: string;
  /** Where it is noted how far the spools were logged. */
  readonly journalPath: string;
  readonly maxBytes?: number;
  readonly maxFiles?: number;
};

/** How many bytes of each spool are in the log. */
export type Offsets = { readonly stdout: number; readonly stderr: number };

type Entry = {
  readonly before: Offsets;
  readonly after: Offsets;
  readonly inode: number;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
};

/**
 * A container's log. What an append is about to do stands in a journal first, so that the next daemon knows whether it was
 * done: no line is lost or written twice when this one is killed. One append at a time, which is the caller's to see to.
 */
export class LogFile {
  readonly #options: LogFileOptions;
  #file: FileHandle | undefined;
  #journal: FileHandle | undefined;
  #size = 0;
  #inode = 0;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Undoes half an append of a killed daemon, and says from where to go on. */
  async recover(): Promise<Offsets> {
    const entry = parseEntry(await readFile(this.#options.journalPath, "utf8").catch(() => ""));
    if (entry === undefined) return { stdout: 0, stderr: 0 };
    const found = await findByInode(dirname(this.#options.path), entry.inode);
    // A file that is not there any more was rotated, which it is after an append.
    if (found === undefined || found.size >= entry.sizeAfter) return entry.after;
    await truncate(found.path, entry.sizeBefore);
    return entry.before;
  }

  async append(text: Buffer, before: Offsets, after: Offsets): Promise<void> {
    const file = await this.#open();
    const sizeAfter = this.#size + text.length;
    const entry: Entry = { before, after, inode: this.#inode, sizeBefore: this.#size, sizeAfter };
    this.#journal ??= await open(this.#options.journalPath, "w", 0o600);
    // One write of a fixed length: a reader sees the old entry or the new one.
    await this.#journal.write(JSON.stringify(entry).padEnd(entryBytes), 0);
    try {
      await file.appendFile(text);
    } catch (error) {
      // Half a line would stay before the next try of the whole.
      await file.truncate(this.#size);
      throw error;
    }
    this.#size = sizeAfter;
    const { maxBytes } = this.#options;
    if (maxBytes !== undefined && this.#size > maxBytes) await this.#rotate();
  }

  /** The next append opens the path anew. */
  async reopen(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await this.#open();
  }

  async close(): Promise<void> {
    await Promise.all([this.#file?.close(), this.#journal?.close()]);
    this.#file = undefined;
    this.#journal = undefined;
  }

  async #open(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    const file = await openLog(this.#options.path);
    const { size, ino } = await file.stat();
    [this.#file, this.#size, this.#inode] = [file, size, ino];
    return file;
  }

  /** Rotated files are `<path>.<n>`, the higher the newer. */
  async #rotate(): Promise<void> {
    const { path, maxFiles = 1 } = this.#options;
    const prefix = `${basename(path)}.`;
    const names = await readdir(dirname(path));
    const numbers = names
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
    const next = (numbers.at(-1) ?? 0) + 1;
    await rename(path, `${path}.${next}`);
    const old = [...numbers, next].slice(0, Math.max(0, numbers.length + 2 - maxFiles));
    for (const number of old) await rm(join(dirname(path), `${prefix}${number}`), { force: true });
    await this.reopen();
  }
}

/** Whoever reads logs may come before the first line. @throws notFound without its directory */
export async function makeLog(path: string): Promise<void> {
  await (await openLog(path)).close();
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, "a", 0o640);
  } catch (error) {
    throw toLogError(error, path);
  }
}

const entryBytes = 256;

/** The file may have been moved, by us or from outside, since the journal was written. */
async function findByInode(directory: string, inode: number): Promise<{ path: string; size: number } | undefined> {
  for (const name of await readdir(directory).catch((): string[] => [])) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.ino === inode && found.isFile()) return { path, size: found.size };
  }
  return undefined;
}

function parseEntry(text: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && "before" in value && "after" in value && "inode" in value;
}
