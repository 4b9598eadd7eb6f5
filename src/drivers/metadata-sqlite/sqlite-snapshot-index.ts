import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { Call, Namespace } from "#core/call.ts";
import { patchLabels, type LabelPatch, type Labels } from "#core/labels.ts";
import type { SnapshotIndex, SnapshotRecord } from "#core/snapshots/snapshot-index.ts";
import type { SnapshotKey, SnapshotKind, SnapshotName } from "#core/snapshots/snapshotter.ts";
import type { Database } from "./database.ts";
import { addLeaseResource } from "./lease-resources.ts";
import { bigintOf, labelsOf, numberOf, textOf, type Row } from "./row.ts";

type AnyKey = SnapshotKey | SnapshotName;

/** Records of one snapshotter's snapshots. */
export class SqliteSnapshotIndex implements SnapshotIndex {
  readonly #database: Database;
  readonly #snapshotter: string;

  constructor(database: Database, snapshotter: string) {
    this.#database = database;
    this.#snapshotter = snapshotter;
  }

  async find(call: Call, key: AnyKey): Promise<SnapshotRecord | undefined> {
    const row = this.#row(call, key);
    return row === undefined ? undefined : this.#decode(row);
  }

  async list(call: Call): Promise<SnapshotRecord[]> {
    const sql = `${select} WHERE s.snapshotter = ? AND s.namespace = ? ORDER BY s.tree_id`;
    return this.#database.all(sql, this.#snapshotter, call.namespace).map((row) => this.#decode(row));
  }

  async listUncommitted(): Promise<{ namespace: Namespace; record: SnapshotRecord }[]> {
    const sql = `${select} WHERE s.snapshotter = ? AND s.kind <> 'committed' ORDER BY s.tree_id`;
    return this.#database.all(sql, this.#snapshotter).map((row) => ({
      namespace: textOf(row, "namespace") as Namespace,
      record: this.#decode(row),
    }));
  }

  async listTreeIds(): Promise<Set<number>> {
    const rows = this.#database.all("SELECT tree_id FROM snapshots WHERE snapshotter = ?", this.#snapshotter);
    return new Set(rows.map((row) => numberOf(row, "tree_id")));
  }

  async insert(
    call: Call,
    key: SnapshotKey,
    kind: Exclude<SnapshotKind, "committed">,
    options: { parent?: SnapshotName; labels?: Labels },
  ): Promise<SnapshotRecord> {
    return this.#database.transaction(() => {
      if (this.#row(call, key) !== undefined) throw alreadyExists(key);
      const parentId = options.parent === undefined ? null : this.#committedTreeId(call, options.parent);
      const now = nowNs();
      this.#database.run(
        "INSERT INTO snapshots (snapshotter, namespace, key, kind, parent_id, labels, created_ns, updated_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        this.#snapshotter,
        call.namespace,
        key,
        kind,
        parentId,
        JSON.stringify(options.labels ?? {}),
        now,
        now,
      );
      this.#lease(call, key);
      return this.#decode(this.#require(call, key));
    });
  }

  async commit(
    call: Call,
    name: SnapshotName,
    key: SnapshotKey,
    options: { parent?: SnapshotName; labels?: Labels; sizeBytes: number; inodes: number },
  ): Promise<SnapshotRecord> {
    return this.#database.transaction(() => {
      const active = this.#require(call, key);
      if (textOf(active, "kind") !== "active") throw notActive(key);
      if (this.#row(call, name) !== undefined) throw alreadyExists(name);
      const parentId = options.parent === undefined ? active["parent_id"] : this.#committedTreeId(call, options.parent);
      this.#database.run(
        "UPDATE snapshots SET key = ?, kind = 'committed', parent_id = ?, labels = ?, size_bytes = ?, inodes = ?, updated_ns = ? WHERE tree_id = ?",
        name,
        parentId ?? null,
        JSON.stringify(options.labels ?? {}),
        options.sizeBytes,
        options.inodes,
        nowNs(),
        bigintOf(active, "tree_id"),
      );
      this.#renameInLeases(call, key, name);
      this.#lease(call, name);
      return this.#decode(this.#require(call, name));
    });
  }

  async usage(call: Call, key: AnyKey): Promise<{ sizeBytes: number; inodes: number } | undefined> {
    const row = this.#row(call, key);
    if (row === undefined || row["size_bytes"] === null || row["inodes"] === null) return undefined;
    return { sizeBytes: numberOf(row, "size_bytes"), inodes: numberOf(row, "inodes") };
  }

  async updateLabels(call: Call, key: AnyKey, patch: LabelPatch): Promise<SnapshotRecord> {
    return this.#database.transaction(() => {
      const row = this.#require(call, key);
      this.#database.run(
        "UPDATE snapshots SET labels = ?, updated_ns = ? WHERE tree_id = ?",
        JSON.stringify(patchLabels(labelsOf(row), patch)),
        nowNs(),
        bigintOf(row, "tree_id"),
      );
      return this.#decode(this.#require(call, key));
    });
  }

  async delete(call: Call, key: AnyKey): Promise<SnapshotRecord> {
    return this.#database.transaction(() => {
      const row = this.#require(call, key);
      const record = this.#decode(row);
      const child = this.#database.get("SELECT key FROM snapshots WHERE parent_id = ? LIMIT 1", record.treeId);
      if (child !== undefined) {
        throw new EngineError("failedPrecondition", `snapshot ${key}: ${textOf(child, "key")} is built on it`);
      }
      this.#database.run("DELETE FROM snapshots WHERE tree_id = ?", record.treeId);
      return record;
    });
  }

  #row(call: Call, key: AnyKey): Row | undefined {
    const sql = `${select} WHERE s.snapshotter = ? AND s.namespace = ? AND s.key = ?`;
    return this.#database.get(sql, this.#snapshotter, call.namespace, key);
  }

  #require(call: Call, key: AnyKey): Row {
    const row = this.#row(call, key);
    if (row === undefined) throw new EngineError("notFound", `snapshot ${key}: not found`);
    return row;
  }

  #committedTreeId(call: Call, parent: SnapshotName): bigint {
    const row = this.#row(call, parent);
    if (row !== undefined && textOf(row, "kind") === "committed") return bigintOf(row, "tree_id");
    const why = row === undefined ? "not found" : "not committed";
    throw new EngineError("notFound", `parent snapshot ${parent}: ${why}`);
  }

  #lease(call: Call, key: AnyKey): void {
    if (call.leaseId === undefined) return;
    const resource = { t: "snapshot", snapshotter: this.#snapshotter, key } as const;
    addLeaseResource(this.#database, call.namespace, call.leaseId, resource);
  }

  /** Whatever lease held the active snapshot holds the committed one from now on. */
  #renameInLeases(call: Call, from: SnapshotKey, to: SnapshotName): void {
    this.#database.run(
      "UPDATE OR REPLACE lease_resources SET key = ? WHERE namespace = ? AND kind = 'snapshot' AND key = ?",
      `${this.#snapshotter}/${to}`,
      call.namespace,
      `${this.#snapshotter}/${from}`,
    );
  }

  #decode(row: Row): SnapshotRecord {
    const parent = row["parent_key"];
    return {
      key: textOf(row, "key") as AnyKey,
      kind: textOf(row, "kind") as SnapshotKind,
      ...(typeof parent === "string" ? { parent: parent as SnapshotName } : {}),
      labels: labelsOf(row),
      createdAtNs: bigintOf(row, "created_ns"),
      updatedAtNs: bigintOf(row, "updated_ns"),
      treeId: numberOf(row, "tree_id"),
      parentTreeIds: this.#parentTreeIds(row),
    };
  }

  #parentTreeIds(row: Row): number[] {
    if (row["parent_id"] === null) return [];
    const sql = `
      WITH RECURSIVE chain (tree_id, parent_id, depth) AS (
        SELECT tree_id, parent_id, 0 FROM snapshots WHERE tree_id = ?
        UNION ALL
        SELECT p.tree_id, p.parent_id, depth + 1 FROM chain JOIN snapshots p ON p.tree_id = chain.parent_id
      ) SELECT tree_id FROM chain ORDER BY depth`;
    return this.#database.all(sql, bigintOf(row, "parent_id")).map((parent) => numberOf(parent, "tree_id"));
  }
}

const select = "SELECT s.*, p.key AS parent_key FROM snapshots s LEFT JOIN snapshots p ON p.tree_id = s.parent_id";

function alreadyExists(key: AnyKey): EngineError {
  return new EngineError("alreadyExists", `snapshot ${key}: already exists`);
}

function notActive(key: AnyKey): EngineError {
  return new EngineError("failedPrecondition", `snapshot ${key}: not active`);
}
