import { createReadStream, type Stats } from "node:fs";
import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { writeTar, type TarItem } from "#base/tar/write-tar.ts";

export type TreeToPack = {
  /** File or directory here. */
  readonly path: string;
  /** What it is called in the archive; `.` packs a directory's contents only. */
  readonly name: string;
  /** Keep owners; otherwise everything belongs to root, as `cp` without `-a` makes it. */
  readonly owners: boolean;
  /** Pack what a link points to, for the topmost one. */
  readonly followLink: boolean;
};

/** A tar archive of a file or directory here. Sockets, pipes and devices are left out. */
export async function* packTree({ path, name, owners, followLink }: TreeToPack): AsyncGenerator<Uint8Array> {
  yield* writeTar(itemsOf(followLink ? await realpath(path) : path, name, owners));
}

async function* itemsOf(path: string, name: string, owners: boolean): AsyncGenerator<TarItem> {
  const found = await lstat(path);
  const base = baseOf(found, owners);
  if (found.isDirectory()) {
    yield { entry: { ...base, name, type: "directory" } };
    for (const child of await readdir(path)) yield* itemsOf(join(path, child), `${name}/${child}`, owners);
  } else if (found.isSymbolicLink()) {
    yield { entry: { ...base, name, type: "symlink", linkName: await readlink(path) } };
  } else if (found.isFile()) {
    const sizeBytes = found.size;
    yield { entry: { ...base, name, type: "file", sizeBytes }, body: contentOf(path, sizeBytes) };
  }
}

function baseOf({ mode, uid, gid, mtimeMs }: Stats, owners: boolean) {
  const owner = owners ? { uid, gid } : { uid: 0, gid: 0 };
  return { mode: mode & 0o7777, ...owner, mtimeSeconds: mtimeMs / 1000, sizeBytes: 0, linkName: "" };
}

/** Exactly `sizeBytes`, whatever happens to the file meanwhile. */
async function* contentOf(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  let left = sizeBytes;
  if (left === 0) return;
  for await (const chunk of createReadStream(path, { end: sizeBytes - 1, highWaterMark: 1 << 18 })) {
    left -= (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  for (; left > 0; left -= fillBytes) yield Buffer.alloc(Math.min(left, fillBytes));
}

/** What a file that has become shorter is filled up with at a time. */
const fillBytes = 1 << 18;
