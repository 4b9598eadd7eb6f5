import type { NodeFacts } from "../cluster/cluster-facts.ts";
import { sourceAt } from "../cluster/place.ts";
import type { Source } from "../host/source.ts";
import type { CheckInfo } from "./check.ts";
import type { Finding, Fix, Severity } from "./finding.ts";

export type NodesFound = {
  /** `on docker://20.10.24`; behind the node's name or their number. */
  readonly says: string;
  readonly why: string;
  readonly fix: Fix;
  readonly severity?: Severity;
  readonly evidence: (node: NodeFacts) => Source;
};

const maxEvidence = 20;

/** One finding for all nodes of which the same is true: a cluster of 500 is not told 500 times. */
export function nodesFinding(check: CheckInfo, nodes: readonly NodeFacts[], found: NodesFound): Finding {
  const [first] = nodes;
  const isOne = nodes.length === 1 && first !== undefined;
  return {
    check: check.id,
    severity: found.severity ?? check.severity,
    title: `${isOne ? `node ${first.name}` : `${nodes.length} nodes`}: ${found.says}`,
    why: found.why,
    subject: isOne ? { t: "node", node: first.name } : { t: "cluster" },
    nodes: nodes.map(({ name }) => name).toSorted(),
    evidence: nodes.slice(0, maxEvidence).map((node) => found.evidence(node)),
    fix: found.fix,
  };
}

/** Nodes by what is the same about them, in the order they were met. */
export function groupNodes(nodes: readonly NodeFacts[], keyOf: (node: NodeFacts) => string | undefined) {
  const groups = new Map<string, NodeFacts[]>();
  for (const node of nodes) {
    const key = keyOf(node);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return groups;
}

export function runtimeSource(node: NodeFacts): Source {
  return sourceAt(node.place, ".status.nodeInfo.containerRuntimeVersion", node.runtime);
}

export function kubeletSource(node: NodeFacts): Source {
  return sourceAt(node.place, ".status.nodeInfo.kubeletVersion", node.kubelet);
}

export function isDocker(node: NodeFacts): boolean {
  return node.runtime.startsWith("docker://");
}
