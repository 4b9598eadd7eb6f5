import { mkdir, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./processes.ts";

/** An ext4 of its own in a file below a directory: nobody else's writes show in what it has left. */
export type OwnFilesystem = AsyncDisposable & {
  readonly path: string;
  /** Blocks that are taken, those promised to data in memory too. */
  usedBytes(): Promise<number>;
};

/** Needs root, `mkfs.ext4` and a loop device. The file is sparse; both go when it is disposed. */
export async function openOwnFilesystem(directory: string, sizeBytes: number): Promise<OwnFilesystem> {
  await using undo = new AsyncDisposableStack();
  const [image, path] = [join(directory, "filesystem"), join(directory, "mounted")];
  await mkdir(path);
  await writeFile(image, "");
  undo.defer(async () => await rm(image));
  await truncate(image, sizeBytes);
  await command(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image]);
  await command(["mount", "-o", "loop", image, path]);
  undo.defer(async () => void (await command(["umount", "-l", path])));
  const owned = undo.move();
  return {
    path,
    async usedBytes() {
      const { blocks, bfree, bsize } = await statfs(path);
      return (blocks - bfree) * bsize;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
