import { EngineError } from "#base/errors.ts";
import { findKubernetesVersion } from "../../host/kubernetes-version.ts";
import { managedCommands } from "../managed-commands.ts";
import { runtimeTargets } from "../runtime-target.ts";
import type { Target } from "../step.ts";
import type { Budget, ClusterNode } from "./cluster-nodes.ts";
import type { ClusterPlan, ManagedPool } from "./cluster-plan.ts";
import { orderNodes, type OrderOptions } from "./order-nodes.ts";

export type ClusterPlanInput = {
  readonly cluster: string;
  readonly nodes: readonly ClusterNode[];
  readonly budgets: readonly Budget[];
  readonly target: Target;
  /** These only; empty: every node that runs Docker. */
  readonly only: readonly string[];
  readonly order: OrderOptions;
  readonly madeAt: string;
};

/**
 * Decides which nodes move, in which batches, and which do not and why. What each node's own steps are is decided on it,
 * from its files, when its turn comes.
 *
 * @throws notFound for a node or canary by a name that the cluster does not know
 */
export function planCluster(input: ClusterPlanInput): ClusterPlan {
  const { nodes, only, order, target } = input;
  const known = new Set(nodes.map(({ name }) => name));
  const unknown = [...only, ...order.canaries].find((name) => !known.has(name));
  if (unknown !== undefined) throw new EngineError("notFound", `node ${unknown}: not in the cluster`);
  const asked = only.length === 0 ? nodes : nodes.filter(({ name }) => only.includes(name));
  const pooled = asked.filter((node) => node.pool !== undefined && isDocker(node));
  const rest = asked.filter((node) => !pooled.includes(node));
  const skipped = rest.flatMap((node) => {
    const why = whyNot(node, target);
    return why === undefined ? [] : [{ node: node.name, why }];
  });
  const moving = rest.filter((node) => whyNot(node, target) === undefined);
  return {
    version: 1,
    kind: "cluster",
    target,
    cluster: input.cluster,
    madeAt: input.madeAt,
    batches: orderNodes(moving, nodes, input.budgets, order),
    skipped: [...skipped].sort((a, b) => (a.node < b.node ? -1 : 1)),
    managed: managedPools(pooled),
    notes: notesOf(moving, nodes, input.budgets),
  };
}

/** Why a node does not move; undefined for one that does. */
function whyNot(node: ClusterNode, target: Target): string | undefined {
  const { prefix, name } = runtimeTargets[target];
  const minor = findKubernetesVersion(node.kubelet)?.minor ?? 0;
  // `docker://` is dockershim before 1.24 and cri-dockerd from then on.
  if (target === "cri-dockerd" ? isDocker(node) && minor >= 24 : node.runtime.startsWith(prefix)) {
    return `runs ${name} already`;
  }
  if (node.os === "windows") return "runs Windows: join a new node with containerd in its place";
  if (!isDocker(node)) return `runs ${node.runtime}, not Docker`;
  return node.isReady ? undefined : "not Ready: mend it first";
}

function isDocker({ runtime }: ClusterNode): boolean {
  return runtime.startsWith("docker://");
}

function managedPools(nodes: readonly ClusterNode[]): ManagedPool[] {
  const pools = new Map<string, ClusterNode[]>();
  for (const node of nodes) {
    const key = `${node.pool?.provider ?? ""}/${node.pool?.name ?? ""}`;
    pools.set(key, [...(pools.get(key) ?? []), node]);
  }
  return [...pools]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, [first, ...others]]) => {
      if (first?.pool === undefined) return [];
      const minor = findKubernetesVersion(first.kubelet)?.minor;
      const { provider, name } = first.pool;
      const { commands, notes } = managedCommands(provider, minor);
      return [{ provider, pool: name, nodes: [first, ...others].map((node) => node.name).sort(), commands, notes }];
    });
}

function notesOf(moving: readonly ClusterNode[], all: readonly ClusterNode[], budgets: readonly Budget[]): string[] {
  const notes: string[] = [];
  for (const { name, allowed } of budgets) {
    const held = moving.filter((node) => node.budgets.includes(name)).map((node) => node.name);
    if (allowed !== 0 || held.length === 0) continue;
    notes.push(`budget ${name} allows no disruption now: the drain of ${held.sort().join(", ")} waits for it`);
  }
  const cordoned = moving.filter(({ isUnschedulable }) => isUnschedulable).map(({ name }) => name);
  if (cordoned.length > 0) notes.push(`cordoned already: ${cordoned.sort().join(", ")}; the move uncordons at its end`);
  const zones = new Set(moving.map(({ zone }) => zone).filter((zone) => zone !== ""));
  for (const zone of [...zones].sort()) {
    const workers = all.filter((node) => node.zone === zone && !node.isControlPlane);
    if (workers.length === 1)
      notes.push(`zone ${zone} has one node only: it has none while ${workers[0]?.name ?? ""} moves`);
  }
  const members = all.filter(({ hasEtcd }) => hasEtcd).length;
  if (members === 2) notes.push("etcd has two members: while either moves, the API is away");
  return notes;
}
