import { parseAllDocuments } from "yaml";
import type { ApiRequestInfo } from "./api-server.ts";
import { asObject } from "./delete-object.ts";

type Rule = {
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Of these objects only; undefined: of all. */
  readonly names: readonly string[] | undefined;
  /** Only there. */
  readonly namespace: string | undefined;
};

/**
 * Rights of a service account as a manifest gives them by roles and bindings, enforced as RBAC does: what no rule allows is
 * refused. Remembers what was used.
 */
export class Rights {
  readonly #account: string;
  readonly #rules: readonly Rule[];
  readonly #used = new Set<string>();

  constructor(manifest: string, account: string) {
    this.#account = account;
    this.#rules = rulesOf(manifest, account);
  }

  /** Why a request is refused, in an API server's words; undefined when it is allowed. */
  refusal({ target, method, query }: ApiRequestInfo, isUpgrade: boolean): string | undefined {
    if (target === undefined) return undefined;
    const { namespace, name, subresource } = target;
    const group = target.apiVersion.includes("/") ? (target.apiVersion.split("/")[0] ?? "") : "";
    const resource = [target.resource, ...(subresource === undefined ? [] : [subresource])].join("/");
    for (const verb of verbsOf(method, { isNamed: name !== undefined, isWatch: query.has("watch"), isUpgrade })) {
      const isAllowed = this.#rules.some(
        (rule) =>
          rule.groups.includes(group) &&
          rule.resources.includes(resource) &&
          rule.verbs.includes(verb) &&
          (rule.names === undefined || rule.names.includes(name ?? "")) &&
          (rule.namespace === undefined || rule.namespace === namespace),
      );
      const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
      const what = `cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
      if (!isAllowed) return `${resource} is forbidden: User "${this.#account}" ${what}`;
      this.#used.add(`${resource} ${verb}`);
    }
    return undefined;
  }

  /** What was given, and never asked for: `pods delete`. */
  get unused(): string[] {
    const given = this.#rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${resource} ${verb}`)),
    );
    return [...new Set(given)].filter((words) => !this.#used.has(words)).sort();
  }
}

type Asked = { readonly isNamed: boolean; readonly isWatch: boolean; readonly isUpgrade: boolean };

/** Streams asked for by GET need the right to create them too, from Kubernetes 1.35 on. */
function verbsOf(method: string, { isNamed, isWatch, isUpgrade }: Asked): string[] {
  if (method === "GET") return [isNamed ? "get" : isWatch ? "watch" : "list", ...(isUpgrade ? ["create"] : [])];
  return [{ POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" }[method] ?? method];
}

function rulesOf(manifest: string, account: string): Rule[] {
  const objects = parseAllDocuments(manifest).map((document) => asObject(document.toJS()));
  const bindings = objects.filter((object) => {
    const subjects = listOf(object["subjects"]).map((subject) => asObject(subject)["name"]);
    return subjects.includes(account);
  });
  return bindings.flatMap((binding) => {
    const { kind, name } = asObject(binding["roleRef"]);
    const role = objects.find((object) => object["kind"] === kind && asObject(object["metadata"])["name"] === name);
    const namespace = asObject(binding["metadata"])["namespace"];
    return listOf(role?.["rules"]).map((value) => {
      const rule = asObject(value);
      const [groups, resources, verbs] = ["apiGroups", "resources", "verbs"].map((key) =>
        listOf(rule[key]).map(String),
      );
      return {
        groups: groups ?? [],
        resources: resources ?? [],
        verbs: verbs ?? [],
        names: rule["resourceNames"] === undefined ? undefined : listOf(rule["resourceNames"]).map(String),
        namespace: typeof namespace === "string" ? namespace : undefined,
      };
    });
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
