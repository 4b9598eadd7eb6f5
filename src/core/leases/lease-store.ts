import type { UnixNs } from "#base/clock.ts";
import type { Call, LeaseId, Namespace } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";

export type LeaseResource =
  | { readonly t: "content"; readonly digest: string }
  | { readonly t: "snapshot"; readonly snapshotter: string; readonly key: string }
  | { readonly t: "ingest"; readonly ref: string };

export type Lease = { readonly id: LeaseId; readonly createdAtNs: UnixNs; readonly labels: Labels };

/** Label of a lease that one call holds for itself: what a crash leaves of it is removed at the next start. */
export const temporaryLeaseLabel = "ferry/temporary";

/**
 * Leases keep resources that nothing names yet from garbage collection: a pull holds one until the image has its name.
 * A lease with `containerd.io/gc.expire` in the past counts no more and is removed by the next collection.
 */
export interface LeaseStore {
  /** @throws alreadyExists */
  create(call: Call, options?: { id?: LeaseId; labels?: Labels; expireAfterMs?: number }): Promise<Lease>;
  list(call: Call): Promise<Lease[]>;
  /** Every namespace's, for recovery. */
  listAll(): Promise<(Lease & { readonly namespace: Namespace })[]>;
  /** @throws notFound */
  delete(call: Call, id: LeaseId): Promise<void>;
  /** @throws notFound when there is no such lease */
  addResource(call: Call, id: LeaseId, resource: LeaseResource): Promise<void>;
  /** @throws notFound */
  deleteResource(call: Call, id: LeaseId, resource: LeaseResource): Promise<void>;
  /** @throws notFound */
  listResources(call: Call, id: LeaseId): Promise<LeaseResource[]>;
}
