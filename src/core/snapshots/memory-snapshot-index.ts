import { EngineError } from "#base/errors.ts";
import { nowNs } from "#base/clock.ts";
import type { Call, Namespace } from "#core/call.ts";
import { patchLabels, type LabelPatch, type Labels } from "#core/labels.ts";
import type { SnapshotIndex, SnapshotRecord } from "./snapshot-index.ts";
import type { SnapshotKey, SnapshotKind, SnapshotName, SnapshotUsage } from "./snapshotter.ts";

type Held = { namespace: Namespace; record: SnapshotRecord; usage?: SnapshotUsage };

/** A {@link SnapshotIndex} that forgets at the end of the process: for tests, and for trying a snapshotter by itself. */
export class MemorySnapshotIndex implements SnapshotIndex {
  readonly #held = new Map<string, Held>();
  #lastTreeId = 0;

  async find(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotRecord | undefined> {
    return this.#held.get(keyOf(call, key))?.record;
  }

  async list(call: Call): Promise<SnapshotRecord[]> {
    const prefix = keyOf(call, "");
    return [...this.#held].filter(([key]) => key.startsWith(prefix)).map(([, held]) => held.record);
  }

  async listUncommitted(): Promise<{ namespace: Namespace; record: SnapshotRecord }[]> {
    return [...this.#held.values()]
      .filter(({ record }) => record.kind !== "committed")
      .map(({ namespace, record }) => ({ namespace, record }));
  }

  async listTreeIds(): Promise<Set<number>> {
    return new Set([...this.#held.values()].map((held) => held.record.treeId));
  }

  async insert(
    call: Call,
    key: SnapshotKey,
    kind: Exclude<SnapshotKind, "committed">,
    options: { parent?: SnapshotName; labels?: Labels },
  ): Promise<SnapshotRecord> {
    this.#refuseTaken(call, key);
    const now = nowNs();
    const record: SnapshotRecord = {
      key,
      kind,
      ...this.#below(call, options.parent),
      labels: options.labels ?? {},
      createdAtNs: now,
      updatedAtNs: now,
      treeId: ++this.#lastTreeId,
    };
    this.#held.set(keyOf(call, key), { namespace: call.namespace, record });
    return record;
  }

  async commit(
    call: Call,
    name: SnapshotName,
    key: SnapshotKey,
    options: { parent?: SnapshotName; labels?: Labels; sizeBytes: number; inodes: number },
  ): Promise<SnapshotRecord> {
    const { record: active } = this.#get(call, key);
    if (active.kind !== "active") throw new EngineError("failedPrecondition", `snapshot ${key}: not active`);
    this.#refuseTaken(call, name);
    const record: SnapshotRecord = {
      ...active,
      ...this.#below(call, options.parent ?? active.parent),
      key: name,
      kind: "committed",
      labels: options.labels ?? {},
      updatedAtNs: nowNs(),
    };
    this.#held.delete(keyOf(call, key));
    const usage = { sizeBytes: options.sizeBytes, inodes: options.inodes };
    this.#held.set(keyOf(call, name), { namespace: call.namespace, record, usage });
    return record;
  }

  async usage(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotUsage | undefined> {
    return this.#held.get(keyOf(call, key))?.usage;
  }

  async updateLabels(call: Call, key: SnapshotKey | SnapshotName, patch: LabelPatch): Promise<SnapshotRecord> {
    const held = this.#get(call, key);
    held.record = { ...held.record, labels: patchLabels(held.record.labels, patch), updatedAtNs: nowNs() };
    return held.record;
  }

  async delete(call: Call, key: SnapshotKey | SnapshotName): Promise<SnapshotRecord> {
    const { record } = this.#get(call, key);
    if ((await this.list(call)).some((other) => other.parent === key)) {
      throw new EngineError("failedPrecondition", `snapshot ${key}: others are built on it`);
    }
    this.#held.delete(keyOf(call, key));
    return record;
  }

  #get(call: Call, key: SnapshotKey | SnapshotName): Held {
    const held = this.#held.get(keyOf(call, key));
    if (held === undefined) throw new EngineError("notFound", `snapshot ${key}: not found`);
    return held;
  }

  #refuseTaken(call: Call, key: SnapshotKey | SnapshotName): void {
    if (this.#held.has(keyOf(call, key))) throw new EngineError("alreadyExists", `snapshot ${key}: exists already`);
  }

  #below(call: Call, parent: SnapshotName | undefined): { parent?: SnapshotName; parentTreeIds: readonly number[] } {
    if (parent === undefined) return { parentTreeIds: [] };
    const { record } = this.#get(call, parent);
    if (record.kind !== "committed") throw new EngineError("notFound", `snapshot ${parent}: not committed`);
    return { parent, parentTreeIds: [record.treeId, ...record.parentTreeIds] };
  }
}

function keyOf(call: Call, key: string): string {
  return `${call.namespace}/${key}`;
}
