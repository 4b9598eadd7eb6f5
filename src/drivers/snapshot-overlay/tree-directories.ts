import { chmod, chown, lstat, mkdir, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";

/** The directories of one snapshotter, `<treeId>/{work,fs}`; `fs` is made last, so that it tells a whole one. */
export class TreeDirectories {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(treeId: number): string {
    return join(this.#directory, `${treeId}`);
  }

  files(treeId: number): string {
    return join(this.path(treeId), "fs");
  }

  async ensure(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** The new root has owner, mode and times of `parentId`'s: the upper layer's root is what a container sees. */
  async create(treeId: number, parentId: number | undefined): Promise<void> {
    try {
      await this.ensure();
      await mkdir(this.path(treeId), { mode: 0o700 });
      await mkdir(join(this.path(treeId), "work"), { mode: 0o711 });
      await mkdir(this.files(treeId), { mode: 0o755 });
      if (parentId !== undefined) await this.#inheritRoot(treeId, parentId);
    } catch (error) {
      if (errnoOf(error) !== "ENOSPC") throw error;
      throw new EngineError("resourceExhausted", `snapshot tree ${treeId}: no space left on the disk`, {
        cause: error,
      });
    }
  }

  async isWhole(treeId: number): Promise<boolean> {
    return await lstat(this.files(treeId)).then(
      () => true,
      () => false,
    );
  }

  async remove(treeId: number): Promise<void> {
    await rm(this.path(treeId), { recursive: true, force: true });
  }

  /** `known` is asked after the directory was read: what is made meanwhile has its record already. */
  async removeUnknown(known: () => Promise<Set<number>>): Promise<number> {
    const names = await readdir(this.#directory).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    });
    const keep = await known();
    const unknown = names.filter((name) => /^\d+$/.test(name) && !keep.has(Number(name)));
    for (const name of unknown) await this.remove(Number(name));
    return unknown.length;
  }

  async #inheritRoot(treeId: number, parentId: number): Promise<void> {
    const stat = await lstat(this.files(parentId));
    const path = this.files(treeId);
    await chown(path, stat.uid, stat.gid);
    await chmod(path, stat.mode & 0o7777);
    await utimes(path, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  }
}
