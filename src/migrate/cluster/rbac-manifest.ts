import { apiCollections } from "./api-collections.ts";

const account = "ferry-assess";
const namespace = "kube-system";

/**
 * The least that `ferry migrate assess` needs, as a manifest: lists, no Secrets, no changes.
 *
 * The second role is optional: `nodes/proxy` reaches all of the kubelet's API, exec into containers included.
 */
export function rbacManifest(): string {
  const groups = new Map<string, string[]>();
  for (const { group, resource } of apiCollections) groups.set(group, [...(groups.get(group) ?? []), resource]);
  const rules = [...groups].map(
    ([group, resources]) =>
      `- apiGroups: ["${group}"]\n  resources: [${resources.map((one) => `"${one}"`).join(", ")}]\n  verbs: ["list"]\n`,
  );
  return [
    `# What ferry migrate assess needs: lists, no Secrets, no changes.\n${header("v1", "ServiceAccount", account, namespace)}`,
    `${header(rbac, "ClusterRole", account)}rules:\n${rules.join("")}- nonResourceURLs: ["/version"]\n  verbs: ["get"]\n`,
    binding(account),
    `# Optional: the running kubelets' configuration and metrics. This right opens all of the kubelet's API, exec into
# containers included: leave these two out, and the report says that it goes without.\n${header(rbac, "ClusterRole", `${account}-kubelets`)}rules:\n- apiGroups: [""]\n  resources: ["nodes/proxy"]\n  verbs: ["get"]\n`,
    binding(`${account}-kubelets`),
  ].join("---\n");
}

const rbac = "rbac.authorization.k8s.io/v1";

function binding(role: string): string {
  return `${header(rbac, "ClusterRoleBinding", role)}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: ${role}\nsubjects:\n- kind: ServiceAccount\n  name: ${account}\n  namespace: ${namespace}\n`;
}

function header(apiVersion: string, kind: string, name: string, inNamespace?: string): string {
  const place = inNamespace === undefined ? "" : `  namespace: ${inNamespace}\n`;
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${place}`;
}
