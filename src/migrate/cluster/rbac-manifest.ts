import { accountManifest, bindingManifest, roleManifest } from "../rbac/rights-manifest.ts";
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
  const rules = [...groups].map(([group, resources]) => [group, resources.join(", "), "list"] as const);
  const owner = { name: account, namespace };
  const kubelets = `${account}-kubelets`;
  return [
    `# What ferry migrate assess needs: lists, no Secrets, no changes.\n${accountManifest(account, namespace)}`,
    roleManifest(account, { rules, more: '- nonResourceURLs: ["/version"]\n  verbs: ["get"]\n' }),
    bindingManifest(account, owner),
    `# Optional: the running kubelets' configuration and metrics. This right opens all of the kubelet's API, exec into
# containers included: leave these two out, and the report says that it goes without.\n${roleManifest(kubelets, { rules: [["", "nodes/proxy", "get"]] })}`,
    bindingManifest(kubelets, owner),
  ].join("---\n");
}
