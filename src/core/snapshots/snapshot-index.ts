import type { Call, Namespace } from "#core/call.ts";
import type { LabelPatch, Labels } from "#core/labels.ts";
import type { SnapshotInfo, SnapshotKey, SnapshotKind, SnapshotName } from "./snapshotter.ts";

/** A snapshot's record: `treeId` names its directory and is never given twice. */
export type SnapshotRecord = SnapshotInfo & {
  readonly treeId: number;
  /** Tree ids of the layers below, nearest first. */
  readonly parentTreeIds: readonly number[];
};

/** The records behind one snapshotter; each change is one transaction. */
export interface SnapshotIndex {
  find(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotRecord | undefined>;
  list(call: Call): Promise<SnapshotRecord[]>;
  /** Active snapshots and views of every namespace. */
  listUncommitted(): Promise<{ namespace: Namespace; record: SnapshotRecord }[]>;
  /** Tree ids of every namespace. */
  listTreeIds(): Promise<Set<number>>;
  /** Adds the record, and to the call's lease. @throws alreadyExists @throws notFound when the parent is missing or not committed */
  insert(
    call: Call,
    key: SnapshotKey,
    kind: Exclude<SnapshotKind, "committed">,
    options: { parent?: SnapshotName; labels?: Labels },
  ): Promise<SnapshotRecord>;
  /** @throws alreadyExists @throws notFound @throws failedPrecondition when `key` is not active */
  commit(
    call: Call,
    name: SnapshotName,
    key: SnapshotKey,
    options: { parent?: SnapshotName; labels?: Labels; sizeBytes: number; inodes: number },
  ): Promise<SnapshotRecord>;
  /** Disk use noted at commit; undefined before. */
  usage(call: Call, key: SnapshotKey | SnapshotName): Promise<{ sizeBytes: number; inodes: number } | undefined>;
  /** @throws notFound */
  updateLabels(call: Call, key: SnapshotKey | SnapshotName, patch: LabelPatch): Promise<SnapshotRecord>;
  /** @throws notFound @throws failedPrecondition when it has children */
  delete(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotRecord>;
}
