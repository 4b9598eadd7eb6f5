import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export type LogFile = { readonly path: string; readonly compressed: boolean };

/** A log's files that are there, oldest first, the one written to last. */
export async function listLogFiles(path: string): Promise<LogFile[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const rotated = names
    .filter((name) => name.startsWith(prefix) && /^[\d-]+(\.gz)?$/.test(name.slice(prefix.length)))
    .map((name) => ({ name, suffix: name.slice(prefix.length).replace(/\.gz$/, "") }))
    .sort((a, b) => compareSuffixes(a.suffix, b.suffix));
  const files = rotated.map(({ name }) => ({ path: join(dirname(path), name), compressed: name.endsWith(".gz") }));
  // While a file is compressed both are there: the whole one counts.
  const whole = files.filter(({ path: file, compressed }) => !compressed || !names.includes(basename(file, ".gz")));
  return names.includes(basename(path)) ? [...whole, { path, compressed: false }] : whole;
}

/**
 * Files after the one of inode `inode`, when that is still there; else the newest only: what a rotation has removed
 * cannot be read.
 */
export async function newerLogFiles(path: string, inode: number): Promise<LogFile[]> {
  const files = await listLogFiles(path);
  const inodes = await Promise.all(
    files.map((file) =>
      stat(file.path).then(
        ({ ino }) => ino,
        () => -1,
      ),
    ),
  );
  const at = inodes.indexOf(inode);
  return at < 0 ? files.slice(-1) : files.slice(at + 1);
}

/** Numbers by value (`9` before `10`), times (`20261121-123000`) by text, which is their order too. */
function compareSuffixes(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return a.length - b.length || (a < b ? -1 : 1);
  return a < b ? -1 : 1;
}
