import type { Call } from "#core/call.ts";
import type { TreeArchiver } from "#core/layers/tree-archiver.ts";
import type { Mount } from "#core/mounts/mount.ts";
import { bindMount } from "./bind-mount.ts";
import type { Tree, TreeKind } from "./tree-kind.ts";

/** Trees that are whole copies of their parents. */
export class NativeTrees implements TreeKind {
  readonly name = "native";
  readonly layered = false;
  readonly whiteouts = "delete";
  readonly #archiver: Pick<TreeArchiver, "copy">;

  constructor(archiver: Pick<TreeArchiver, "copy">) {
    this.#archiver = archiver;
  }

  async begin(call: Call, tree: Tree, parent: Tree | undefined): Promise<void> {
    if (parent !== undefined) await this.#archiver.copy(call, parent.files, "/", tree.files);
  }

  mounts(tree: Tree, [nearest]: readonly Tree[], access: "ro" | "rw"): Mount[] {
    return [bindMount((access === "ro" ? (nearest ?? tree) : tree).files, access)];
  }
}
