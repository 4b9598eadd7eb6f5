import { nowNs } from "#base/clock.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import { findGarbage, isExpired, type GarbageRecord, type GarbageRoot } from "#core/garbage/mark.ts";
import type { GraphNode, ReferenceGraph } from "#core/garbage/reference-graph.ts";
import { gcLabels } from "#core/labels.ts";
import type { Database } from "./database.ts";
import { keyOf, decodeResource } from "./lease-resources.ts";
import { labelsOf, parseObject, textOf, type Row } from "./row.ts";
import type { SqliteContainerStore } from "./sqlite-container-store.ts";

/** All that keeps and is kept, read and swept in one transaction. */
export class SqliteReferenceGraph implements ReferenceGraph {
  readonly #database: Database;
  readonly #containers: SqliteContainerStore;

  constructor(database: Database, containers: SqliteContainerStore) {
    this.#database = database;
    this.#containers = containers;
  }

  async collect(_call: Call): Promise<GraphNode[]> {
    return this.#database.transaction(() => {
      const now = nowNs();
      this.#deleteExpiredLeases(now);
      const roots = [...this.#imageRoots(), ...this.#leaseRoots(), ...this.#containerRoots()];
      const found = findGarbage([...this.#content(), ...this.#snapshots()], roots, now);
      // A container that cannot be read may keep anything of its namespace.
      const unknown = this.#containers.unreadableNamespacesSync();
      const garbage = found.filter(({ namespace }) => !unknown.has(namespace));
      // A child may have a lower tree id than its parent, so the order of removal cannot follow the chain.
      this.#database.run("PRAGMA defer_foreign_keys = ON");
      for (const node of garbage) this.#delete(node);
      return garbage.map(({ namespace, t, key }) => ({ namespace, t, key }));
    });
  }

  #deleteExpiredLeases(now: bigint): void {
    for (const row of this.#database.all("SELECT * FROM leases")) {
      if (!isExpired(labelsOf(row), now)) continue;
      this.#database.run(
        "DELETE FROM leases WHERE namespace = ? AND id = ?",
        textOf(row, "namespace"),
        textOf(row, "id"),
      );
    }
  }

  #content(): GarbageRecord[] {
    return this.#database.all("SELECT namespace, digest, labels FROM content").map((row) => ({
      namespace: namespaceOf(row),
      t: "content",
      key: textOf(row, "digest"),
      labels: labelsOf(row),
    }));
  }

  #snapshots(): GarbageRecord[] {
    const sql = `SELECT s.namespace, s.snapshotter, s.key, s.labels, p.key AS parent
      FROM snapshots s LEFT JOIN snapshots p ON p.tree_id = s.parent_id`;
    return this.#database.all(sql).map((row) => {
      const prefix = `${textOf(row, "snapshotter")}/`;
      const record = {
        namespace: namespaceOf(row),
        t: "snapshot",
        key: `${prefix}${textOf(row, "key")}`,
        labels: labelsOf(row),
      } as const;
      return row["parent"] === null ? record : Object.assign(record, { parent: `${prefix}${textOf(row, "parent")}` });
    });
  }

  #imageRoots(): GarbageRoot[] {
    return this.#database.all("SELECT namespace, target, labels FROM images").map((row) => ({
      namespace: namespaceOf(row),
      keeps: [{ t: "content", key: String(parseObject(textOf(row, "target"), "target")["digest"]) }],
      labels: labelsOf(row),
      flat: false,
    }));
  }

  #leaseRoots(): GarbageRoot[] {
    const sql = `SELECT r.namespace, r.kind, r.key, l.labels
      FROM lease_resources r JOIN leases l ON l.namespace = r.namespace AND l.id = r.lease_id`;
    return this.#database.all(sql).flatMap((row): GarbageRoot[] => {
      const resource = decodeResource(row);
      if (resource.t === "ingest") return [];
      const flat = gcLabels.flat in labelsOf(row);
      return [{ namespace: namespaceOf(row), keeps: [{ t: resource.t, key: keyOf(resource) }], labels: {}, flat }];
    });
  }

  #containerRoots(): GarbageRoot[] {
    return this.#containers.listAllSync().map(({ namespace, snapshotter, snapshotKey, image, labels }) => ({
      namespace,
      keeps: [
        { t: "snapshot", key: `${snapshotter}/${snapshotKey}` },
        { t: "content", key: image.manifest },
        { t: "content", key: image.id },
      ],
      labels,
      flat: false,
    }));
  }

  #delete({ namespace, t, key }: GraphNode): void {
    if (t === "content") {
      this.#database.run("DELETE FROM content WHERE namespace = ? AND digest = ?", namespace, key);
      return;
    }
    const slash = key.indexOf("/");
    this.#database.run(
      "DELETE FROM snapshots WHERE snapshotter = ? AND namespace = ? AND key = ?",
      key.slice(0, slash),
      namespace,
      key.slice(slash + 1),
    );
  }
}

function namespaceOf(row: Row) {
  return parseNamespace(textOf(row, "namespace"));
}
