import type { Brand } from "#base/brand.ts";
import type { UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { LabelPatch, Labels } from "#core/labels.ts";
import type { Mount } from "#core/mounts/mount.ts";

/** Key of an active snapshot or a view: a container's id, an unpack's own key. */
export type SnapshotKey = Brand<string, "SnapshotKey">;
/** Name of a committed snapshot: a ChainID for an image's layers. */
export type SnapshotName = Brand<string, "SnapshotName">;

/** On an active snapshot: a layer is being unpacked into it. After a crash nobody goes on; `recover` removes it. */
export const unpackingLabel = "ferry.io/unpacking";

export type SnapshotKind = "active" | "view" | "committed";

export type SnapshotInfo = {
  readonly key: SnapshotKey | SnapshotName;
  readonly kind: SnapshotKind;
  readonly parent?: SnapshotName;
  readonly labels: Labels;
  readonly createdAtNs: UnixNs;
  readonly updatedAtNs: UnixNs;
};

export type SnapshotUsage = { readonly sizeBytes: number; readonly inodes: number };

/** Where a layer's archive is unpacked, and how it says that something of a lower layer is gone. */
export type LayerTarget = {
  /** A directory of the host to write to. */
  readonly directory: string;
  /** `overlay`: character devices 0/0 and the opaque xattr; `delete`: the lower files are in `directory`, remove them. */
  readonly whiteouts: "overlay" | "delete";
  /** Trees of the layers below, nearest first; empty with `delete`, and when the snapshot has no parent (yet). */
  readonly parents: readonly string[];
};

export type CommitOptions = {
  readonly parent?: SnapshotName;
  readonly labels?: Labels;
  /** What the snapshot adds, when the caller knows: saves a walk through the tree. */
  readonly usage?: SnapshotUsage;
};

/**
 * Writable trees made of read-only layers.
 *
 * ```
 *   prepare(key, parent) ──► active ──commit(name)──► committed ──► parent of further ones
 *   view(key, parent)    ──► view (read-only)
 *        active, view, committed without children ──remove──► gone
 * ```
 * Keys and names are per namespace. A snapshot is written by one owner at a time. Until `commit` nothing can build on
 * it; after `commit` it never changes.
 */
export interface Snapshotter {
  /** As in config and labels: `overlayfs`, `native`. */
  readonly name: string;
  /** `rebase`: `commit` may name a parent that `prepare` did not, so layers can be unpacked side by side. */
  readonly capabilities: { readonly rebase: boolean };

  /** @throws notFound */
  get(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotInfo>;
  find(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotInfo | undefined>;
  list(call: Call): Promise<SnapshotInfo[]>;
  /** @throws notFound */
  updateLabels(call: Call, key: SnapshotKey | SnapshotName, patch: LabelPatch): Promise<SnapshotInfo>;
  /** Disk use of what this snapshot adds to its parent. @throws notFound */
  usage(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotUsage>;

  /** Makes an active snapshot on `parent`. @throws alreadyExists @throws notFound when the parent is missing */
  prepare(call: Call, key: SnapshotKey, parent?: SnapshotName, labels?: Labels): Promise<Mount[]>;
  /** Makes a read-only one. @throws as prepare */
  view(call: Call, key: SnapshotKey, parent?: SnapshotName, labels?: Labels): Promise<Mount[]>;
  /** Mounts of an active snapshot or view, as `prepare` gave them. @throws notFound @throws failedPrecondition when committed */
  mounts(call: Call, key: SnapshotKey): Promise<Mount[]>;
  /**
   * Where a layer is unpacked into an active snapshot. `on`, where `capabilities.rebase`: answer `parents` as if the
   * snapshot had been prepared on that one. @throws as mounts
   */
  layerTarget(call: Call, key: SnapshotKey, on?: SnapshotName): Promise<LayerTarget>;
  /**
   * Turns an active snapshot into a committed one. `parent` rebases where `capabilities.rebase`.
   * @throws alreadyExists when `name` is taken (the active one stays) @throws notFound
   */
  commit(call: Call, name: SnapshotName, key: SnapshotKey, options?: CommitOptions): Promise<void>;
  /** @throws notFound @throws failedPrecondition when others have it as parent */
  remove(call: Call, key: SnapshotKey | SnapshotName): Promise<void>;

  /** Removes trees that no record names. */
  purge(call: Call): Promise<{ removed: number }>;
  /** At start: puts trees and records in agreement after a crash. */
  recover(call: Call): Promise<void>;
}
