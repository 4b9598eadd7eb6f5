import { chmod, chown, lstat, mkdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "#core/call.ts";
import type { Mount } from "#core/mounts/mount.ts";
import { bindMount } from "./bind-mount.ts";
import type { Tree, TreeKind } from "./tree-kind.ts";

/** Trees that hold what differs, stacked by the kernel. Source: Documentation/filesystems/overlayfs.rst. */
export class OverlayTrees implements TreeKind {
  readonly name = "overlayfs";
  readonly layered = true;
  readonly whiteouts = "overlay";

  /** The new root has owner, mode and times of the parent's: the upper layer's root is what a container sees. */
  async begin(_call: Call, tree: Tree, parent: Tree | undefined): Promise<void> {
    const [, stat, made] = await Promise.all([
      mkdir(workDirectory(tree), { mode: 0o711 }),
      parent && lstat(parent.files),
      lstat(tree.files),
    ]);
    if (stat === undefined) return;
    const sameOwner = stat.uid === made.uid && stat.gid === made.gid;
    if (!sameOwner) await chown(tree.files, stat.uid, stat.gid);
    if (!sameOwner || stat.mode !== made.mode) await chmod(tree.files, stat.mode & 0o7777);
    await utimes(tree.files, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  }

  /** A bind mount where there is one tree, an overlay of more. */
  mounts(tree: Tree, parents: readonly Tree[], access: "ro" | "rw"): Mount[] {
    const [nearest, ...others] = parents.map((parent) => parent.files);
    if (nearest === undefined) return [bindMount(tree.files, access)];
    const lowers = `lowerdir=${[nearest, ...others].join(":")}`;
    if (access === "rw") return [overlayMount([`workdir=${workDirectory(tree)}`, `upperdir=${tree.files}`, lowers])];
    return others.length === 0 ? [bindMount(nearest, "ro")] : [overlayMount(["ro", lowers])];
  }
}

function workDirectory(tree: Tree): string {
  return join(tree.directory, "work");
}

/** `index=off`: with the index, a tree that is mounted in two places at a time is refused. */
function overlayMount(options: string[]): Mount {
  return { type: "overlay", source: "overlay", options: ["index=off", ...options] };
}
