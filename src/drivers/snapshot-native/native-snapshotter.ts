import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { LabelPatch, Labels } from "#core/labels.ts";
import type { TreeArchiver } from "#core/layers/tree-archiver.ts";
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
import { TreeCopies } from "./tree-copies.ts";
import { diskUsage } from "./disk-usage.ts";

/** Snapshots as whole copies. */
export class NativeSnapshotter implements Snapshotter {
  readonly name = "native";
  readonly capabilities = { rebase: false } as const;
  readonly #index: SnapshotIndex;
  readonly #trees: TreeCopies;

  /** `directory` holds the trees; made when missing. */
  constructor(directory: string, index: SnapshotIndex, archiver: Pick<TreeArchiver, "copy">) {
    this.#trees = new TreeCopies(directory, archiver);
    this.#index = index;
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

  /** The whole copy: nothing of it is shared with the parent. */
  async usage(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotUsage> {
    const record = await this.#record(call, key);
    const noted = await this.#index.usage(call, key);
    return noted ?? (await diskUsage(call.signal, this.#trees.files(record.treeId)));
  }

  async prepare(call: Call, key: SnapshotKey, parent?: SnapshotName, labels?: Labels): Promise<Mount[]> {
    return await this.#create(call, key, "active", parent, labels);
  }

  /** Shows the parent's own tree; nothing is copied. */
  async view(call: Call, key: SnapshotKey, parent?: SnapshotName, labels?: Labels): Promise<Mount[]> {
    return await this.#create(call, key, "view", parent, labels);
  }

  async mounts(call: Call, key: SnapshotKey): Promise<Mount[]> {
    return this.#mountsOf(await this.#uncommitted(call, key));
  }

  async layerTarget(call: Call, key: SnapshotKey): Promise<LayerTarget> {
    const { treeId } = await this.#uncommitted(call, key);
    return { directory: this.#trees.files(treeId), whiteouts: "delete", parents: [] };
  }

  async commit(call: Call, name: SnapshotName, key: SnapshotKey, options: CommitOptions = {}): Promise<void> {
    const record = await this.#uncommitted(call, key);
    if (options.parent !== undefined && options.parent !== record.parent) {
      throw new EngineError("invalidArgument", `snapshot ${key}: native snapshots keep the parent they were made on`);
    }
    const usage = await diskUsage(call.signal, this.#trees.files(record.treeId));
    await this.#index.commit(call, name, key, {
      ...usage,
      ...(options.labels === undefined ? {} : { labels: options.labels }),
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
      await this.#trees.create(call, record.treeId, kind === "view" ? undefined : record.parentTreeIds[0]);
    } catch (error) {
      await this.remove(call, key);
      throw error;
    }
    return this.#mountsOf(record);
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
    const shown = kind === "view" ? (parentTreeIds[0] ?? treeId) : treeId;
    const access = kind === "view" ? "ro" : "rw";
    return [{ type: "bind", source: this.#trees.files(shown), options: [access, "rbind"] }];
  }
}

/** The record without what only the driver knows. */
function toInfo({ key, kind, parent, labels, createdAtNs, updatedAtNs }: SnapshotRecord): SnapshotInfo {
  return { key, kind, ...(parent === undefined ? {} : { parent }), labels, createdAtNs, updatedAtNs };
}
