import { lstat, mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import { removeTree } from "#base/remove-tree.ts";
import type { Tree } from "./tree-kind.ts";

/** The directories of one snapshotter, `<treeId>/fs` and what its kind keeps beside; `fs` has that name once it is whole. */
export class TreeDirectories {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  tree(treeId: number): Tree {
    const directory = join(this.#directory, `${treeId}`);
    return { directory, files: join(directory, "fs") };
  }

  async ensure(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
  }

  /**
   * `begin` fills the tree under another name than it has afterwards.
   *
   * @throws resourceExhausted when the disk is full
   */
  async create(treeId: number, begin: (half: Tree) => Promise<void>): Promise<void> {
    const { directory, files } = this.tree(treeId);
    const half = join(directory, "new");
    try {
      await this.#makeDirectory(directory);
      await mkdir(half, { mode: 0o755 });
      await begin({ directory, files: half });
      await rename(half, files);
    } catch (error) {
      if (errnoOf(error) !== "ENOSPC") throw error;
      throw new EngineError("resourceExhausted", `snapshot tree ${treeId}: no space left on the disk`, {
        cause: error,
      });
    }
  }

  /** Looks for the one above only where it is missing. */
  async #makeDirectory(directory: string): Promise<void> {
    try {
      await mkdir(directory, { mode: 0o700 });
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      await this.ensure();
      await mkdir(directory, { mode: 0o700 });
    }
  }

  async isWhole(treeId: number): Promise<boolean> {
    return await lstat(this.tree(treeId).files).then(
      () => true,
      () => false,
    );
  }

  async remove(treeId: number): Promise<void> {
    await removeTree(this.tree(treeId).directory);
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
}
