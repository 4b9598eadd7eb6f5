import { accountManifest, bindingManifest, roleManifest, type Rule } from "../rbac/rights-manifest.ts";

const name = "ferry-verify";

/** Streams are asked for by GET; API servers from 1.35 on want the right to create them all the same. */
const rules: readonly Rule[] = [
  ["", "nodes", "get"],
  ["", "pods", "get, list, create, delete"],
  ["", "pods/log", "get"],
  ["", "pods/exec, pods/portforward", "get, create"],
  ["node.k8s.io", "runtimeclasses", "get"],
];

/** The least that `ferry migrate verify` needs, as a manifest: to run pods in any namespace whose credentials are tried. */
export function verifyRbac(namespace: string): string {
  return [
    `# Whoever runs ferry migrate verify. To create pods in every namespace is much: bind it for the migration only.\n${accountManifest(name, namespace)}`,
    roleManifest(name, { rules }),
    bindingManifest(name, { name, namespace }),
  ].join("---\n");
}
