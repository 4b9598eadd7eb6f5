import type { Call } from "#core/call.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import type { Compression } from "#core/content/descriptor.ts";
import type { DiffId } from "#core/content/digest.ts";
import type { LayerTarget } from "#core/snapshots/snapshotter.ts";

/** A layer's archive without the content of its files, and a tree that has it. Both must not change meanwhile. */
export type LayerRecipe = {
  /** A gzip'd tar-split file: see `base/tar-split`. */
  readonly recipePath: string;
  readonly filesDirectory: string;
};

export type LayerSource = { readonly blob: BlobReader; readonly compression: Compression } | LayerRecipe;

/** Bounds that a layer may not pass. */
export type LayerLimits = {
  /** Bytes after decompression. */
  readonly maxUncompressedBytes: number;
  /** Entries of the archive. */
  readonly maxEntries: number;
};

export type AppliedLayer = {
  readonly diffId: DiffId;
  /** Length of the archive after decompression. */
  readonly archiveBytes: number;
  /** Bytes on disk, in blocks, and count of inodes that the layer added. */
  readonly sizeBytes: number;
  readonly inodes: number;
  /** Directories made because an entry's parent had none of its own, the root ("") too; they take the attributes of the layers below. */
  readonly impliedDirectories: readonly string[];
};

/**
 * Unpacks layer archives into trees.
 *
 * From a recipe, the content of files is shared with the recipe's tree where the filesystem can: cloned, or hard linked
 * where the file there is in every respect what the archive says.
 *
 * Nothing outside `target.directory` is touched, whatever the archive says. On an error the tree is half done; the
 * caller removes the snapshot.
 */
export interface LayerApplier {
  /**
   * @throws dataLoss when the archive is truncated or malformed
   * @throws invalidArgument when an entry would leave the tree (`layer entry "../x": …`)
   * @throws failedPrecondition when an entry needs what only a layer below has (a hard link's target, a link's
   *   directory): apply it again where those are mounted, with `whiteouts: "delete"`
   * @throws resourceExhausted past a limit, or when the disk is full
   */
  apply(call: Call, source: LayerSource, target: LayerTarget, limits: LayerLimits): Promise<AppliedLayer>;
  /** The archive that a recipe stands for; nobody has checked its digest. @throws dataLoss when a file is missing or changed size */
  rebuild(call: Call, recipe: LayerRecipe): AsyncIterable<Uint8Array>;
  /**
   * Gives `directories` of an unpacked layer the owner, mode and times they have in the nearest of `parents` that has
   * them. @throws failedPrecondition when it is a link there, as {@link apply}
   */
  inheritDirectories(
    call: Call,
    directory: string,
    directories: readonly string[],
    parents: readonly string[],
  ): Promise<void>;
}
