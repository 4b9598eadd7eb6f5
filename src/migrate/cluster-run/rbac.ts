import { accountManifest, bindingManifest, roleManifest, type Rule } from "../rbac/rights-manifest.ts";
import { leaseNamespace, smokeNamespace } from "../apply/cluster-node.ts";
import { recordName } from "./run-record.ts";

const controller = "ferry-migrate";
const onNodes = "ferry-migrate-node";

/**
 * What the controller does in the namespace of its record, which may be kube-system: who may change every ConfigMap there is
 * master of the cluster. Only the making of an object cannot be bound to a name.
 */
const inNamespace: readonly Rule[] = [
  ["", "configmaps", "create"],
  ["", "configmaps", "get, update", recordName],
  ["coordination.k8s.io", "leases", "create"],
  ["coordination.k8s.io", "leases", "get, update", recordName],
  ["batch", "jobs", "create, get, list, delete"],
];
const inCluster: readonly Rule[] = [
  ["", "nodes", "get"],
  ["", "pods", "list"],
];
/** What a node's own move does, where its kubelet's identity is not used. Budgets are looked at when one is in the way. */
const ofNodes: readonly Rule[] = [
  ["", "nodes", "get, patch"],
  ["", "pods", "list"],
  ["", "pods/eviction", "create"],
  ["policy", "poddisruptionbudgets", "list"],
];
/** Its smoke pod. */
const ofNodesInSmoke: readonly Rule[] = [
  ["", "pods", "get, create, delete"],
  ["", "pods/log", "get"],
];
/** Whether the kubelet speaks. */
const ofNodesInLeases: readonly Rule[] = [["coordination.k8s.io", "leases", "get"]];

/**
 * The least that `ferry migrate cluster` needs, as a manifest. The right to create Jobs in a namespace that admits
 * privileged pods is root on every node: give it for the time of the run.
 */
export function clusterRunRbac(namespace: string): string {
  const driver = { name: controller, namespace };
  const mover = { name: onNodes, namespace };
  return [
    `# Whoever runs ferry migrate cluster. To create privileged Jobs is to be root on every node: bind it for the run only.\n${accountManifest(controller, namespace)}`,
    roleManifest(controller, { rules: inNamespace, namespace }),
    bindingManifest(controller, driver, namespace),
    roleManifest(controller, { rules: inCluster }),
    bindingManifest(controller, driver),
    `# For the kubeconfig that nodes use (--node-kubeconfig), where their kubelet's own is not enough.\n${accountManifest(onNodes, namespace)}`,
    roleManifest(onNodes, { rules: ofNodes }),
    bindingManifest(onNodes, mover),
    roleManifest(onNodes, { rules: ofNodesInSmoke, namespace: smokeNamespace }),
    bindingManifest(onNodes, mover, smokeNamespace),
    roleManifest(onNodes, { rules: ofNodesInLeases, namespace: leaseNamespace }),
    bindingManifest(onNodes, mover, leaseNamespace),
  ].join("---\n");
}
