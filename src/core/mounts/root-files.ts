import type { Call } from "#core/call.ts";

/**
 * Files of a tree that somebody else wrote, seen as if the tree were `/`: no link in it leads outside.
 *
 * `root` is a directory of the host; `path` is a path inside of it. Source: openat2(2), RESOLVE_IN_ROOT.
 */
export interface RootFiles {
  /** Whole content, or undefined when there is no such regular file. @throws outOfRange above `maxBytes` */
  find(call: Call, root: string, path: string, maxBytes?: number): Promise<Uint8Array | undefined>;
  /** Path on the host that `path` resolves to with every link followed inside the root; the last part may be missing. */
  resolve(call: Call, root: string, path: string): Promise<string>;
  /** Makes `path` and its parents as directories where missing; answers the path on the host. */
  makeDirectory(
    call: Call,
    root: string,
    path: string,
    mode: number,
    owner: { uid: number; gid: number },
  ): Promise<string>;
  /** Makes an empty file (a mount point) where missing, parents too; answers the path on the host. */
  makeFile(call: Call, root: string, path: string): Promise<string>;
  /** Kind of what stands at `path`, links followed. */
  kind(call: Call, root: string, path: string): Promise<"missing" | "file" | "directory" | "other">;
}
