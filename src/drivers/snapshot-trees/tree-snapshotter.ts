import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { LabelPatch, Labels } from "#core/labels.ts";
import type { Mount } from "#core/mounts/mount.ts";
import type { SnapshotIndex, SnapshotRecord } from "#core/snapshots/snapshot-index.ts";
import {
  unpackingLabel,
  type CommitOptions,
  type LayerTarget,
  type SnapshotInfo,
  type SnapshotKey,
  type SnapshotName,
  type Snapshotter,
  type SnapshotUsage,
} from "#core/snapshots/snapshotter.ts";
import { diskUsage } from "./disk-usage.ts";
import { syncFilesystem } from "./sync-filesystem.ts";
import { TreeDirectories } from "./tree-directories.ts";
import type { TreeKind } from "./tree-kind.ts";

/** Snapshots as directories of one filesystem; how they build on each other is the kind's. */
export class TreeSnapshotter implements Snapshotter {
  readonly name: string;
  readonly capabilities: Snapshotter["capabilities"];
  readonly #kind: TreeKind;
  readonly #index: SnapshotIndex;
  readonly #trees: TreeDirectories;
  readonly #sync: boolean;

  /**
   * `directory` holds the trees; made when missing, by {@link recover} or the first snapshot. `sync`: a tree is on the
   * disk before its record says that it is committed.
   */
  constructor(kind: TreeKind, directory: string, index: SnapshotIndex, options: { readonly sync?: boolean } = {}) {
    if (/[,:\\]/.test(directory)) throw new Error(`snapshots in ${directory}: "," ":" and "\\" cannot be mounted`);
    this.name = kind.name;
    this.capabilities = { rebase: kind.layered };
    this.#kind = kind;
    this.#index = index;
    this.#trees = new TreeDirectories(directory);
    this.#sync = options.sync ?? false;
  }

  async get(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotInfo> {
    return toInfo(await this.#record(call, key));
  }

  async find(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotInfo | undefined> {
    const record = await this.#index.find(call, key);
    return record === undefined ? undefined : toInfo(record);
  }

  async list(call: Call): Promise<SnapshotInfo[]> {
    return (await this.#index.list(call)).map(toInfo);
  }

  async updateLabels(call: Call, key: SnapshotKey | SnapshotName, patch: LabelPatch): Promise<SnapshotInfo> {
    return toInfo(await this.#index.updateLabels(call, key, patch));
  }

  /** Of the tree itself: what it shares with its parents counts where it was copied. */
  async usage(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotUsage> {
    const record = await this.#record(call, key);
    const noted = await this.#index.usage(call, key);
    return noted ?? (await diskUsage(call.signal, this.#trees.tree(record.treeId).files));
  }

  async prepare(call: Call, key: SnapshotKey, parent?: SnapshotName, labels?: Labels): Promise<Mount[]> {
    return await this.#create(call, key, "active", parent, labels);
  }

  async view(call: Call, key: SnapshotKey, parent?: SnapshotName, labels?: Labels): Promise<Mount[]> {
    return await this.#create(call, key, "view", parent, labels);
  }

  async mounts(call: Call, key: SnapshotKey): Promise<Mount[]> {
    return this.#mountsOf(await this.#uncommitted(call, key));
  }

  async layerTarget(call: Call, key: SnapshotKey, on?: SnapshotName): Promise<LayerTarget> {
    const record = await this.#uncommitted(call, key);
    const below = on === undefined ? undefined : await this.#record(call, on);
    const parentIds = below === undefined ? record.parentTreeIds : [below.treeId, ...below.parentTreeIds];
    return {
      directory: this.#trees.tree(record.treeId).files,
      whiteouts: this.#kind.whiteouts,
      parents: this.#kind.layered ? parentIds.map((id) => this.#trees.tree(id).files) : [],
    };
  }

  async commit(call: Call, name: SnapshotName, key: SnapshotKey, options: CommitOptions = {}): Promise<void> {
    const record = await this.#uncommitted(call, key);
    const { parent, labels } = options;
    if (!this.#kind.layered && parent !== undefined && parent !== record.parent) {
      throw new EngineError(
        "invalidArgument",
        `snapshot ${key}: ${this.name} snapshots keep the parent they were made on`,
      );
    }
    const noted = this.#kind.layered ? options.usage : undefined;
    const usage = noted ?? (await diskUsage(call.signal, this.#trees.tree(record.treeId).files));
    if (this.#sync) await syncFilesystem(this.#trees.tree(record.treeId).files);
    await this.#index.commit(call, name, key, {
      ...usage,
      ...(parent === undefined || !this.#kind.layered ? {} : { parent }),
      ...(labels === undefined ? {} : { labels }),
    });
  }

  async remove(call: Call, key: SnapshotKey | SnapshotName): Promise<void> {
    const record = await this.#index.delete(call, key);
    await this.#trees.remove(record.treeId);
  }

  async purge(_call: Call): Promise<{ removed: number }> {
    return { removed: await this.#trees.removeUnknown(() => this.#index.listTreeIds()) };
  }

  async recover(call: Call): Promise<void> {
    await this.#trees.ensure();
    for (const { namespace, record } of await this.#index.listUncommitted()) {
      const whole = record.labels[unpackingLabel] === undefined && (await this.#trees.isWhole(record.treeId));
      if (whole) continue;
      call.log.warn({ snapshotKey: record.key, namespace }, "snapshot was half made; removed");
      await this.remove({ ...call, namespace }, record.key);
    }
    await this.purge(call);
  }

  async #create(
    call: Call,
    key: SnapshotKey,
    kind: "active" | "view",
    parent: SnapshotName | undefined,
    labels: Labels | undefined,
  ): Promise<Mount[]> {
    const options = { ...(parent === undefined ? {} : { parent }), ...(labels === undefined ? {} : { labels }) };
    const record = await this.#index.insert(call, key, kind, options);
    try {
      await this.#begin(call, record);
    } catch (error) {
      await this.remove(call, key);
      throw error;
    }
    return this.#mountsOf(record);
  }

  /** A view has nothing of its own: its tree stays empty. */
  async #begin(call: Call, { kind, treeId, parentTreeIds: [parentId] }: SnapshotRecord): Promise<void> {
    const parent = kind === "view" || parentId === undefined ? undefined : this.#trees.tree(parentId);
    await this.#trees.create(treeId, async (half) => await this.#kind.begin(call, half, parent));
  }

  async #record(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotRecord> {
    const record = await this.#index.find(call, key);
    if (record === undefined) throw new EngineError("notFound", `snapshot ${key}: not found`);
    return record;
  }

  async #uncommitted(call: Call, key: SnapshotKey): Promise<SnapshotRecord> {
    const record = await this.#record(call, key);
    if (record.kind === "committed") throw new EngineError("failedPrecondition", `snapshot ${key}: committed`);
    return record;
  }

  #mountsOf({ kind, treeId, parentTreeIds }: SnapshotRecord): Mount[] {
    const parents = parentTreeIds.map((id) => this.#trees.tree(id));
    return this.#kind.mounts(this.#trees.tree(treeId), parents, kind === "view" ? "ro" : "rw");
  }
}

/** The record without what only the driver knows. */
function toInfo({ key, kind, parent, labels, createdAtNs, updatedAtNs }: SnapshotRecord): SnapshotInfo {
  return { key, kind, ...(parent === undefined ? {} : { parent }), labels, createdAtNs, updatedAtNs };
}
