import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { TreeArchiver } from "#core/layers/tree-archiver.ts";

/** The directories of one snapshotter, `<treeId>/fs`; a copy is `new` until it is whole. */
export class TreeCopies {
  readonly #directory: string;
  readonly #archiver: Pick<TreeArchiver, "copy">;

  constructor(directory: string, archiver: Pick<TreeArchiver, "copy">) {
    this.#directory = directory;
    this.#archiver = archiver;
  }

  files(treeId: number): string {
    return join(this.#path(treeId), "fs");
  }

  async create(call: Call, treeId: number, parentId: number | undefined): Promise<void> {
    await mkdir(this.#path(treeId), { recursive: true, mode: 0o700 });
    const half = join(this.#path(treeId), "new");
    await mkdir(half, { mode: 0o755 });
    if (parentId !== undefined) await this.#archiver.copy(call, this.files(parentId), "/", half);
    await rename(half, this.files(treeId));
  }

  async isWhole(treeId: number): Promise<boolean> {
    return await lstat(this.files(treeId)).then(
      () => true,
      () => false,
    );
  }

  async remove(treeId: number): Promise<void> {
    await rm(this.#path(treeId), { recursive: true, force: true });
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

  #path(treeId: number): string {
    return join(this.#directory, `${treeId}`);
  }
}
