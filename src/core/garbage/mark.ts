import { parseRfc3339, type UnixNs } from "#base/clock.ts";
import type { Namespace } from "#core/call.ts";
import { gcLabels, type Labels } from "#core/labels.ts";
import type { GraphNode } from "./reference-graph.ts";

/** A record that garbage collection may remove. */
export type GarbageRecord = GraphNode & {
  readonly labels: Labels;
  /** Key of the snapshot below. */
  readonly parent?: string;
};

/** Something that keeps others: an image, a lease, a container. */
export type GarbageRoot = {
  readonly namespace: Namespace;
  readonly keeps: readonly Omit<GraphNode, "namespace">[];
  /** Followed like a record's. */
  readonly labels: Labels;
  /** Keeps what it names, not what that leads to. */
  readonly flat: boolean;
};

/**
 * The records that no root leads to.
 *
 * Roots are `roots`, and records with `containerd.io/gc.root` or a `containerd.io/gc.expire` that is still to come.
 * Edges are `containerd.io/gc.ref.*` labels and a snapshot's parent, never out of a namespace.
 * Source: containerd docs/garbage-collection.md.
 */
export function findGarbage(
  records: readonly GarbageRecord[],
  roots: readonly GarbageRoot[],
  nowNs: UnixNs,
): GarbageRecord[] {
  const byId = new Map(records.map((record) => [idOf(record), record]));
  const kept = new Set<string>();
  const reached = new Set<string>();
  const waiting: string[] = [];
  const reach = (node: GraphNode) => waiting.push(idOf(node));

  for (const record of records) if (isRoot(record.labels, nowNs)) reach(record);
  for (const { namespace, keeps, labels, flat } of roots) {
    for (const node of keeps) {
      if (flat) kept.add(idOf({ ...node, namespace }));
      else reach({ ...node, namespace });
    }
    for (const node of labelEdges(namespace, labels)) reach(node);
  }
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    const record = byId.get(id);
    if (record === undefined) continue;
    if (record.parent !== undefined) reach({ ...record, key: record.parent });
    for (const node of labelEdges(record.namespace, record.labels)) reach(node);
  }
  for (const id of kept) keepParents(id, byId, reached);
  return records.filter((record) => !reached.has(idOf(record)));
}

/** Whether a `containerd.io/gc.expire` label says that the time is over. A time nobody can read never comes. */
export function isExpired(labels: Labels, nowNs: UnixNs): boolean {
  const at = expiryOf(labels);
  return at !== undefined && at <= nowNs;
}

/** A snapshot cannot be without those below it, whatever the lease says. */
function keepParents(start: string, byId: ReadonlyMap<string, GarbageRecord>, reached: Set<string>): void {
  for (let id: string | undefined = start; id !== undefined;) {
    reached.add(id);
    const record: GarbageRecord | undefined = byId.get(id);
    id = record?.parent === undefined ? undefined : idOf({ ...record, key: record.parent });
  }
}

function isRoot(labels: Labels, nowNs: UnixNs): boolean {
  if (gcLabels.root in labels) return true;
  const at = expiryOf(labels);
  return at !== undefined && at > nowNs;
}

function expiryOf(labels: Labels): UnixNs | undefined {
  const text = labels[gcLabels.expire];
  return text === undefined ? undefined : parseRfc3339(text);
}

/** What labels name. A name after a further `.` or `/` only tells several apart; a snapshot's first is its snapshotter. */
function labelEdges(namespace: Namespace, labels: Labels): GraphNode[] {
  const edges: GraphNode[] = [];
  for (const [label, value] of Object.entries(labels)) {
    const content = suffixOf(label, gcLabels.content);
    const snapshot = suffixOf(label, gcLabels.snapshot);
    if (content !== undefined) edges.push({ namespace, t: "content", key: value });
    else if (snapshot?.startsWith(".")) {
      edges.push({ namespace, t: "snapshot", key: `${snapshot.slice(1).split("/")[0]}/${value}` });
    }
  }
  return edges;
}

/** `""`, or what follows `prefix` from its `.` or `/` on; undefined for another label. */
function suffixOf(label: string, prefix: string): string | undefined {
  if (!label.startsWith(prefix)) return undefined;
  const suffix = label.slice(prefix.length);
  return suffix === "" || suffix.startsWith(".") || suffix.startsWith("/") ? suffix : undefined;
}

/** Namespaces and kinds hold no space, so that this tells every node from every other. */
function idOf({ namespace, t, key }: GraphNode): string {
  return `${namespace} ${t} ${key}`;
}
