import { join } from "node:path";
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
import { overlayMounts } from "./overlay-mounts.ts";
import { TreeDirectories } from "./tree-directories.ts";

/** Snapshots as overlayfs layers. Source: Documentation/filesystems/overlayfs.rst. */
export class OverlaySnapshotter implements Snapshotter {
  readonly name = "overlayfs";
  readonly capabilities = { rebase: true } as const;
  readonly #index: SnapshotIndex;
  readonly #trees: TreeDirectories;

  /** `directory` holds the trees; made when missing, by {@link recover} or the first snapshot. */
  constructor(directory: string, index: SnapshotIndex) {
    if (/[,:\\]/.test(directory)) throw new Error(`overlay directory ${directory}: "," ":" and "\\" cannot be mounted`);
    this.#trees = new TreeDirectories(directory);
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

  async usage(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotUsage> {
    const record = await this.#record(call, key);
    const noted = await this.#index.usage(call, key);
    return noted ?? (await diskUsage(call.signal, this.#trees.files(record.treeId)));
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
      directory: this.#trees.files(record.treeId),
      whiteouts: "overlay",
      parents: parentIds.map((id) => this.#trees.files(id)),
    };
  }

  async commit(call: Call, name: SnapshotName, key: SnapshotKey, options: CommitOptions = {}): Promise<void> {
    const record = await this.#uncommitted(call, key);
    const usage = options.usage ?? (await diskUsage(call.signal, this.#trees.files(record.treeId)));
    const { parent, labels } = options;
    await this.#index.commit(call, name, key, {
      ...usage,
      ...(parent === undefined ? {} : { parent }),
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
      await this.#trees.create(record.treeId, record.parentTreeIds[0]);
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
    return overlayMounts({
      readOnly: kind === "view",
      upper: this.#trees.files(treeId),
      work: join(this.#trees.path(treeId), "work"),
      lowers: parentTreeIds.map((id) => this.#trees.files(id)),
    });
  }
}

/** The record without what only the driver knows. */
function toInfo({ key, kind, parent, labels, createdAtNs, updatedAtNs }: SnapshotRecord): SnapshotInfo {
  return { key, kind, ...(parent === undefined ? {} : { parent }), labels, createdAtNs, updatedAtNs };
}
