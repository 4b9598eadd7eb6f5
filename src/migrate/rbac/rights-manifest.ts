/** Verbs on a resource, each a list with commas: `["", "pods", "get, list"]`; of the one object of this name, where given. */
export type Rule = readonly [group: string, resources: string, verbs: string, name?: string];

type RoleKind = "Role" | "ClusterRole";

const rbac = "rbac.authorization.k8s.io/v1";

/** A ServiceAccount. */
export function accountManifest(name: string, namespace: string): string {
  return header("v1", "ServiceAccount", name, namespace);
}

/** A ClusterRole, or with a namespace a Role there. `more` are rules of another kind, as YAML. */
export function roleManifest(
  name: string,
  {
    rules,
    namespace,
    more = "",
  }: { readonly rules: readonly Rule[]; readonly namespace?: string; readonly more?: string },
): string {
  const lines = rules.map(
    ([group, resources, verbs, object]) =>
      `- apiGroups: ["${group}"]\n  resources: [${quoted(resources)}]\n  verbs: [${quoted(verbs)}]\n${
        object === undefined ? "" : `  resourceNames: [${quoted(object)}]\n`
      }`,
  );
  return `${header(rbac, kindOf(namespace), name, namespace)}rules:\n${lines.join("")}${more}`;
}

/** Gives the role `name` to `account`: everywhere, or with a namespace there. */
export function bindingManifest(
  name: string,
  account: { readonly name: string; readonly namespace: string },
  namespace?: string,
): string {
  const kind = kindOf(namespace);
  const head = header(rbac, `${kind}Binding`, name, namespace);
  return `${head}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ${kind}\n  name: ${name}\nsubjects:\n- kind: ServiceAccount\n  name: ${account.name}\n  namespace: ${account.namespace}\n`;
}

function kindOf(namespace: string | undefined): RoleKind {
  return namespace === undefined ? "ClusterRole" : "Role";
}

function header(apiVersion: string, kind: string, name: string, inside?: string): string {
  const place = inside === undefined ? "" : `  namespace: ${inside}\n`;
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${place}`;
}

function quoted(list: string): string {
  return list
    .split(", ")
    .map((word) => `"${word}"`)
    .join(", ");
}
