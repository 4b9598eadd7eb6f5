import { randomBytes } from "node:crypto";
import { formatRfc3339, nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import { parseNamespace, type Call, type LeaseId, type Namespace } from "#core/call.ts";
import { gcLabels, type Labels } from "#core/labels.ts";
import type { Lease, LeaseResource, LeaseStore } from "#core/leases/lease-store.ts";
import type { Database } from "./database.ts";
import { addLeaseResource, decodeResource, keyOf, requireLease } from "./lease-resources.ts";
import { bigintOf, labelsOf, textOf, type Row } from "./row.ts";

/** Leases and what each holds. */
export class SqliteLeaseStore implements LeaseStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(call: Call, options: { id?: LeaseId; labels?: Labels; expireAfterMs?: number } = {}): Promise<Lease> {
    const createdAtNs = nowNs();
    const id = options.id ?? (randomBytes(16).toString("hex") as LeaseId);
    const expire =
      options.expireAfterMs === undefined
        ? {}
        : { [gcLabels.expire]: formatRfc3339(createdAtNs + BigInt(Math.ceil(options.expireAfterMs)) * 1_000_000n) };
    const lease: Lease = { id, createdAtNs, labels: { ...options.labels, ...expire } };
    const { changes } = this.#database.run(
      "INSERT OR IGNORE INTO leases (namespace, id, labels, created_ns) VALUES (?, ?, ?, ?)",
      call.namespace,
      id,
      JSON.stringify(lease.labels),
      createdAtNs,
    );
    if (changes === 0) throw new EngineError("alreadyExists", `lease ${id}: already exists`);
    return lease;
  }

  async list(call: Call): Promise<Lease[]> {
    return this.#database.all("SELECT * FROM leases WHERE namespace = ? ORDER BY id", call.namespace).map(decode);
  }

  async listAll(): Promise<(Lease & { namespace: Namespace })[]> {
    return this.#database
      .all("SELECT * FROM leases ORDER BY namespace, id")
      .map((row) => Object.assign(decode(row), { namespace: parseNamespace(textOf(row, "namespace")) }));
  }

  async delete(call: Call, id: LeaseId): Promise<void> {
    const { changes } = this.#database.run("DELETE FROM leases WHERE namespace = ? AND id = ?", call.namespace, id);
    if (changes === 0) throw new EngineError("notFound", `lease ${id}: not found`);
  }

  async addResource(call: Call, id: LeaseId, resource: LeaseResource): Promise<void> {
    this.#database.transaction(() => addLeaseResource(this.#database, call.namespace, id, resource));
  }

  async deleteResource(call: Call, id: LeaseId, resource: LeaseResource): Promise<void> {
    this.#database.transaction(() => {
      requireLease(this.#database, call.namespace, id);
      const { changes } = this.#database.run(
        "DELETE FROM lease_resources WHERE namespace = ? AND lease_id = ? AND kind = ? AND key = ?",
        call.namespace,
        id,
        resource.t,
        keyOf(resource),
      );
      if (changes === 0) throw new EngineError("notFound", `lease ${id}: does not hold ${keyOf(resource)}`);
    });
  }

  async listResources(call: Call, id: LeaseId): Promise<LeaseResource[]> {
    requireLease(this.#database, call.namespace, id);
    const sql = "SELECT kind, key FROM lease_resources WHERE namespace = ? AND lease_id = ? ORDER BY kind, key";
    return this.#database.all(sql, call.namespace, id).map(decodeResource);
  }
}

function decode(row: Row): Lease {
  return { id: textOf(row, "id") as LeaseId, createdAtNs: bigintOf(row, "created_ns"), labels: labelsOf(row) };
}
