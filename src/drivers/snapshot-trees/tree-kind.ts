import type { Call } from "#core/call.ts";
import type { Mount } from "#core/mounts/mount.ts";
import type { LayerTarget } from "#core/snapshots/snapshotter.ts";

/** Where one snapshot lies. */
export type Tree = {
  /** Its own directory, below which a kind may keep more than the files. */
  readonly directory: string;
  /** The root of what it shows. */
  readonly files: string;
};

/** What snapshotters of trees differ in: how a tree begins, and how it is shown. */
export interface TreeKind {
  /** What clients know the snapshotter by. */
  readonly name: string;
  /**
   * Whether a tree holds only what differs from its parents: then it can be put on another parent when it is committed,
   * and an unpacked layer's usage is the tree's.
   */
  readonly layered: boolean;
  readonly whiteouts: LayerTarget["whiteouts"];
  /** Fills `tree.files`, an empty directory that gets its final name afterwards, so that it continues `parent`. */
  begin(call: Call, tree: Tree, parent: Tree | undefined): Promise<void>;
  /** The mounts that show `tree` on `parents`, nearest first; a read-only one has nothing of its own. */
  mounts(tree: Tree, parents: readonly Tree[], access: "ro" | "rw"): Mount[];
}
