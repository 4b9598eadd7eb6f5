import type { Call, Namespace } from "#core/call.ts";

/** One thing that garbage collection keeps or removes. */
export type GraphNode = {
  readonly namespace: Namespace;
  readonly t: "content" | "snapshot";
  /** A digest, or `<snapshotter>/<key>`. */
  readonly key: string;
};

/**
 * All records that keep others alive: images, leases, containers, labels, parents of snapshots.
 *
 * Roots: image targets; resources of leases that have not expired; snapshots and images of containers; whatever
 * carries `containerd.io/gc.root`. Edges: `containerd.io/gc.ref.*` labels, a snapshot's parent.
 */
export interface ReferenceGraph {
  /**
   * Marks from the roots of every namespace and removes the records that were not reached, in one transaction, so that
   * nothing can come into use in between. Bytes are removed afterwards by `ContentStore.purge` and `Snapshotter.purge`.
   */
  collect(call: Call): Promise<GraphNode[]>;
}
