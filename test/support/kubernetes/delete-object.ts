import type { ApiPath } from "./api-path.ts";
import type { ObjectStore } from "./object-store.ts";
import type { StoredObject } from "./selectors.ts";

/** Marks a pod that is bound to a node, unless `now`: its kubelet takes it away. Removes anything else. */
export function deleteObject(store: ObjectStore, target: ApiPath, existing: StoredObject, now: boolean): void {
  const isBound = target.resource === "pods" && asObject(existing["spec"])["nodeName"] !== undefined;
  if (now || !isBound) store.remove(target);
  else {
    const metadata = { ...existing.metadata, deletionTimestamp: new Date().toISOString() };
    store.put(target.resource, { ...existing, metadata });
  }
}

/** The members of an object, of anything else none. */
export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
