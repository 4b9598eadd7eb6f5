import { EngineError } from "#base/errors.ts";
import type { LeaseId, Namespace } from "#core/call.ts";
import type { LeaseResource } from "#core/leases/lease-store.ts";
import type { Database } from "./database.ts";
import { textOf, type Row } from "./row.ts";

/** Ties a resource to a lease; once more is nothing. Runs in the caller's transaction. @throws notFound without the lease */
export function addLeaseResource(database: Database, namespace: Namespace, id: LeaseId, resource: LeaseResource): void {
  requireLease(database, namespace, id);
  database.run(
    "INSERT OR IGNORE INTO lease_resources (namespace, lease_id, kind, key) VALUES (?, ?, ?, ?)",
    namespace,
    id,
    resource.t,
    keyOf(resource),
  );
}

/** @throws notFound */
export function requireLease(database: Database, namespace: Namespace, id: LeaseId): void {
  const row = database.get("SELECT 1 FROM leases WHERE namespace = ? AND id = ?", namespace, id);
  if (row === undefined) throw new EngineError("notFound", `lease ${id}: not found`);
}

/** As stored: a digest, `<snapshotter>/<key>`, or an ingest's ref. */
export function keyOf(resource: LeaseResource): string {
  switch (resource.t) {
    case "content":
      return resource.digest;
    case "snapshot":
      return `${resource.snapshotter}/${resource.key}`;
    case "ingest":
      return resource.ref;
  }
}

export function decodeResource(row: Row): LeaseResource {
  const key = textOf(row, "key");
  const kind = textOf(row, "kind");
  if (kind === "content") return { t: "content", digest: key };
  if (kind === "ingest") return { t: "ingest", ref: key };
  const slash = key.indexOf("/");
  return { t: "snapshot", snapshotter: key.slice(0, slash), key: key.slice(slash + 1) };
}
