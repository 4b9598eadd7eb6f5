import type { ClusterFacts, NodeFacts } from "../../cluster/cluster-facts.ts";

/** A node as the order of moves looks at it. */
export type ClusterNode = {
  readonly name: string;
  /** Empty where nobody said one. */
  readonly zone: string;
  readonly isControlPlane: boolean;
  /** An etcd member is among its pods. */
  readonly hasEtcd: boolean;
  readonly hasGpu: boolean;
  readonly isReady: boolean;
  readonly isUnschedulable: boolean;
  /** `linux`, `windows`; empty where it is not said. */
  readonly os: string;
  readonly runtime: string;
  readonly kubelet: string;
  readonly pool: { readonly provider: "eks" | "gke" | "aks"; readonly name: string } | undefined;
  readonly podCount: number;
  /** Disruption budgets that count pods on this node, as `namespace/name`. */
  readonly budgets: readonly string[];
};

/** A disruption budget; `allowed` undefined where its state is not known. */
export type Budget = { readonly name: string; readonly allowed: number | undefined };

/** Labels by which providers name the pool of a node. */
const poolLabels = [
  { label: "eks.amazonaws.com/nodegroup", provider: "eks" },
  { label: "alpha.eksctl.io/nodegroup-name", provider: "eks" },
  { label: "cloud.google.com/gke-nodepool", provider: "gke" },
  { label: "kubernetes.azure.com/agentpool", provider: "aks" },
] as const;

/** Nodes with what matters for their order, and the budgets that their pods are under. */
export function clusterNodesOf(facts: ClusterFacts): { nodes: ClusterNode[]; budgets: Budget[] } {
  const pods = podsByNode(facts);
  const nodes = facts.nodes.map((node) => nodeOf(node, pods.get(node.name) ?? []));
  const budgets = facts.budgets.map(({ ref, disruptionsAllowed }) => ({
    name: `${ref.namespace ?? ""}/${ref.name}`,
    allowed: disruptionsAllowed,
  }));
  return { nodes, budgets };
}

type PlacedPod = { readonly budgets: readonly string[]; readonly isEtcd: boolean };

function podsByNode({ workloads, budgets }: ClusterFacts): Map<string, PlacedPod[]> {
  const byNode = new Map<string, PlacedPod[]>();
  for (const { pods, labels, ref } of workloads) {
    const counted = budgets.filter(
      (budget) =>
        budget.ref.namespace === ref.namespace &&
        Object.keys(budget.selector).length > 0 &&
        Object.entries(budget.selector).every(([key, value]) => labels[key] === value),
    );
    const names = counted.map((budget) => `${budget.ref.namespace ?? ""}/${budget.ref.name}`);
    for (const pod of pods) {
      if (pod.node === undefined) continue;
      const isEtcd = pod.namespace === "kube-system" && labels["component"] === "etcd";
      byNode.set(pod.node, [...(byNode.get(pod.node) ?? []), { budgets: names, isEtcd }]);
    }
  }
  return byNode;
}

function nodeOf(node: NodeFacts, pods: readonly PlacedPod[]): ClusterNode {
  const { labels } = node;
  const found = poolLabels.find(({ label }) => labels[label] !== undefined);
  return {
    name: node.name,
    zone: labels["topology.kubernetes.io/zone"] ?? labels["failure-domain.beta.kubernetes.io/zone"] ?? "",
    isControlPlane:
      labels["node-role.kubernetes.io/control-plane"] !== undefined ||
      labels["node-role.kubernetes.io/master"] !== undefined,
    hasEtcd: pods.some(({ isEtcd }) => isEtcd),
    hasGpu: Object.keys(labels).some((label) =>
      /^(nvidia\.com\/gpu|amd\.com\/gpu|cloud\.google\.com\/gke-accelerator)/.test(label),
    ),
    isReady: node.isReady,
    isUnschedulable: node.isUnschedulable,
    os: node.os,
    runtime: node.runtime,
    kubelet: node.kubelet,
    pool: found === undefined ? undefined : { provider: found.provider, name: labels[found.label] ?? "" },
    podCount: pods.length,
    budgets: [...new Set(pods.flatMap(({ budgets }) => budgets))].sort(),
  };
}
