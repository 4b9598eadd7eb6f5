const controller = "ferry-migrate";
const onNodes = "ferry-migrate-node";
const rbac = "rbac.authorization.k8s.io/v1";

type Rule = readonly [groups: string, resources: string, verbs: string];

/** What the controller does in the namespace of its record. */
const inNamespace: readonly Rule[] = [
  ["", "configmaps", "create, get, update"],
  ["coordination.k8s.io", "leases", "create, get, update"],
  ["batch", "jobs", "create, get, list, delete"],
];
const inCluster: readonly Rule[] = [
  ["", "nodes", "get"],
  ["", "pods", "list"],
];
/** What a node's own move does, where its kubelet's identity is not used. */
const ofNodes: readonly Rule[] = [
  ["", "nodes", "get, patch"],
  ["", "pods", "get, list, create, delete"],
  ["", "pods/eviction", "create"],
  ["", "pods/log", "get"],
  ["", "pods/exec", "create, get"],
  ["policy", "poddisruptionbudgets", "get, list"],
  ["coordination.k8s.io", "leases", "get"],
];

/**
 * The least that `ferry migrate cluster` needs, as a manifest. The right to create Jobs in a namespace that admits
 * privileged pods is root on every node: give it for the time of the run.
 */
export function clusterRunRbac(namespace: string): string {
  const account = (name: string) => header("v1", "ServiceAccount", name, namespace);
  return [
    `# Whoever runs ferry migrate cluster. To create privileged Jobs is to be root on every node: bind it for the run only.\n${account(controller)}`,
    role("Role", controller, inNamespace, namespace),
    binding("Role", controller, namespace),
    role("ClusterRole", controller, inCluster),
    binding("ClusterRole", controller, namespace),
    `# For the kubeconfig that nodes use (--node-kubeconfig), where their kubelet's own is not enough.\n${account(onNodes)}`,
    role("ClusterRole", onNodes, ofNodes),
    binding("ClusterRole", onNodes, namespace),
  ].join("---\n");
}

function role(kind: "Role" | "ClusterRole", name: string, rules: readonly Rule[], namespace?: string): string {
  const lines = rules.map(
    ([group, resource, verbs]) =>
      `- apiGroups: ["${group}"]\n  resources: ["${resource}"]\n  verbs: [${verbs
        .split(", ")
        .map((verb) => `"${verb}"`)
        .join(", ")}]\n`,
  );
  return `${header(rbac, kind, name, namespace)}rules:\n${lines.join("")}`;
}

function binding(kind: "Role" | "ClusterRole", name: string, namespace: string): string {
  const head = header(rbac, `${kind}Binding`, name, kind === "Role" ? namespace : undefined);
  return `${head}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ${kind}\n  name: ${name}\nsubjects:\n- kind: ServiceAccount\n  name: ${name}\n  namespace: ${namespace}\n`;
}

function header(apiVersion: string, kind: string, name: string, inside?: string): string {
  const place = inside === undefined ? "" : `  namespace: ${inside}\n`;
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${place}`;
}
