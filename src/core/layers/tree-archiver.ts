import type { Readable } from "node:stream";
import type { Call } from "#core/call.ts";

/** What stands at a path of a tree, the last link not followed. */
export type TreeStat = {
  readonly name: string;
  readonly sizeBytes: number;
  /** `st_mode`, type bits included. */
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** Absolute target when it is a symbolic link, else empty. */
  readonly linkTarget: string;
};

/** Copies between tar streams and a tree, as `docker cp` does; links in the tree never lead outside of `root`. */
export interface TreeArchiver {
  /** @throws notFound */
  stat(call: Call, root: string, path: string): Promise<TreeStat>;
  /** A tar of `path` whose first entry is its base name; a directory with all below. @throws notFound */
  read(call: Call, root: string, path: string): Promise<{ stat: TreeStat; archive: Readable }>;
  /** Unpacks `archive` into the directory `path`. `keepTypes`: refuse to replace a directory by a file or the reverse. */
  write(
    call: Call,
    root: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: { keepTypes: boolean; keepOwners: boolean },
  ): Promise<void>;
  /** Copies the tree `from` into the empty directory `to` with owners, modes, times, xattrs: first use of a volume. */
  copy(call: Call, root: string, from: string, to: string): Promise<void>;
}
