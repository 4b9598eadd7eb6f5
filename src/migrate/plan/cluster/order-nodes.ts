import type { Batch } from "./cluster-plan.ts";
import type { Budget, ClusterNode } from "./cluster-nodes.ts";

export type OrderOptions = {
  /** Nodes of one batch at most: a number, or a share of the zone's nodes, of which at least one. */
  readonly batchSize: { readonly count: number } | { readonly percent: number };
  /** These first, in this order; empty: one is chosen. */
  readonly canaries: readonly string[];
  readonly soakMs: number;
  readonly canarySoakMs: number;
};

/**
 * Puts nodes in batches: a canary, workers, workers with GPUs, control plane nodes one at a time.
 *
 * A batch stays within one zone and never takes all of a zone's nodes while it has others; nodes whose pods share a budget
 * go together only as far as the budget allows. The same nodes give the same batches.
 */
export function orderNodes(
  nodes: readonly ClusterNode[],
  all: readonly ClusterNode[],
  budgets: readonly Budget[],
  options: OrderOptions,
): Batch[] {
  const workers = nodes.filter((node) => !node.isControlPlane);
  const canaries = findCanaries(workers, all, options.canaries);
  const rest = workers.filter((node) => !canaries.includes(node));
  const plain = rest.filter(({ hasGpu }) => !hasGpu);
  const gpu = rest.filter(({ hasGpu }) => hasGpu);
  const controlPlane = nodes.filter((node) => node.isControlPlane);
  const drafts: Draft[] = [
    ...canaries.map((node) => canaryOf(node, options.canarySoakMs)),
    ...batchesOf(plain, { all, budgets, options, hasGpu: false }),
    ...batchesOf(gpu, { all, budgets, options, hasGpu: true }),
    ...byName(controlPlane).map((node) => controlPlaneOf(node, all, options.soakMs)),
  ];
  return drafts.map(({ slug, title, why, nodes, soakMs }, index) => {
    const number = String(index + 1).padStart(2, "0");
    return { id: `${number}-${slug}`, title, why, nodes, soakMs };
  });
}

type Draft = Omit<Batch, "id"> & { readonly slug: string };

/** Asked for by name; else a plain worker whose zone has others, with the fewest pods. */
function findCanaries(workers: readonly ClusterNode[], all: readonly ClusterNode[], names: readonly string[]) {
  if (names.length > 0) return names.flatMap((name) => workers.find((node) => node.name === name) ?? []);
  if (workers.length < 2) return [];
  const hasOthers = (node: ClusterNode) =>
    all.some((other) => other !== node && other.zone === node.zone && !other.isControlPlane);
  const fit = workers.filter((node) => !node.hasGpu && hasOthers(node));
  const [first] = [...(fit.length > 0 ? fit : workers)].sort(
    (a, b) => a.podCount - b.podCount || compare(a.name, b.name),
  );
  return first === undefined ? [] : [first];
}

function canaryOf(node: ClusterNode, soakMs: number): Draft {
  return {
    slug: "canary",
    title: `canary ${node.name}`,
    why: "One node alone, few pods, none of a kind: what goes wrong goes wrong here, and only here.",
    nodes: [node.name],
    soakMs,
  };
}

type Group = {
  readonly all: readonly ClusterNode[];
  readonly budgets: readonly Budget[];
  readonly options: OrderOptions;
  readonly hasGpu: boolean;
};

function batchesOf(nodes: readonly ClusterNode[], group: Group): Draft[] {
  const drafts: Draft[] = [];
  const zones = [...new Set(nodes.map(({ zone }) => zone))].sort();
  for (const zone of zones) {
    const inZone = group.all.filter((node) => node.zone === zone && !node.isControlPlane).length;
    const limit = Math.min(sizeOf(group.options.batchSize, inZone), Math.max(1, inZone - 1));
    const batches = packed(byName(nodes.filter((node) => node.zone === zone)), limit, group.budgets);
    for (const [index, batch] of batches.entries()) {
      const what = `${batch.length} worker${batch.length === 1 ? "" : "s"}${group.hasGpu ? " with GPUs" : ""}`;
      drafts.push({
        slug: `${group.hasGpu ? "gpu-" : ""}${slugOf(zone)}-${index + 1}`,
        title: zone === "" ? what : `${what} of ${zone}`,
        why:
          zone === ""
            ? `At most ${limit} at a time.`
            : `One zone at a time, at most ${limit} of its ${inZone} nodes: the others serve meanwhile.`,
        nodes: batch.map(({ name }) => name),
        soakMs: group.options.soakMs,
      });
    }
  }
  return drafts;
}

/** First fit: a node joins the first batch that has room and whose budgets allow it. */
function packed(nodes: readonly ClusterNode[], limit: number, budgets: readonly Budget[]): ClusterNode[][] {
  const batches: ClusterNode[][] = [];
  const fits = (batch: readonly ClusterNode[], node: ClusterNode) =>
    batch.length < limit &&
    node.budgets.every((name) => {
      const allowed = budgets.find((budget) => budget.name === name)?.allowed ?? 1;
      return batch.filter((other) => other.budgets.includes(name)).length < Math.max(1, allowed);
    });
  for (const node of nodes) {
    const batch = batches.find((one) => fits(one, node));
    if (batch === undefined) batches.push([node]);
    else batch.push(node);
  }
  return batches;
}

function controlPlaneOf(node: ClusterNode, all: readonly ClusterNode[], soakMs: number): Draft {
  const members = all.filter(({ hasEtcd }) => hasEtcd).length;
  const quorum = Math.floor(members / 2) + 1;
  const left = members - 1;
  const etcd = !node.hasEtcd
    ? "etcd is elsewhere."
    : left >= quorum
      ? `${left} of ${members} etcd members stay up, ${quorum} are needed.`
      : `etcd has ${members === 1 ? "this member only" : `${members} members`}: the API is away until it is back.`;
  return {
    slug: `control-plane-${slugOf(node.name)}`,
    title: `control plane ${node.name}`,
    why: `Last, and one at a time: ${etcd}`,
    nodes: [node.name],
    soakMs,
  };
}

function sizeOf(size: OrderOptions["batchSize"], inZone: number): number {
  return Math.max(1, "count" in size ? size.count : Math.floor((inZone * size.percent) / 100));
}

function byName(nodes: readonly ClusterNode[]): ClusterNode[] {
  return [...nodes].sort((a, b) => compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function slugOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, "-") || "nodes";
}
