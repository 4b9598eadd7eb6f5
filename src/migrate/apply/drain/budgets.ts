import { KubernetesApiError } from "#clients/kubernetes/api-error.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import type { DrainPod } from "./drain-pods.ts";

/** Which budgets keep a pod, with their figures; the server's own words where budgets may not be read. */
export async function refusingBudgets(
  call: Call,
  client: KubernetesClient,
  pod: DrainPod,
  refusal: KubernetesApiError,
): Promise<string> {
  const names: string[] = [];
  try {
    for (const budget of await listBudgets(call, client, pod.namespace)) {
      if (matches(budget.at("spec").at("selector"), pod.labels)) names.push(describe(budget));
    }
  } catch (error) {
    if (call.signal.aborted) throw error;
    // A node's own identity may evict its pods, and read no budgets.
  }
  return names.length > 0 ? names.join(" and ") : causeOf(refusal);
}

/** `policy/v1`, and v1beta1 of servers before 1.21. */
async function listBudgets(call: Call, client: KubernetesClient, namespace: string): Promise<JsonReader[]> {
  const path = (version: string) =>
    `/apis/policy/${version}/namespaces/${encodeURIComponent(namespace)}/poddisruptionbudgets`;
  for (const version of ["v1", "v1beta1"]) {
    try {
      const list = new JsonReader(await client.get(call, path(version)), "budgets");
      return list.at("items").list(100_000);
    } catch (error) {
      if (!(error instanceof KubernetesApiError) || error.status !== 404) throw error;
    }
  }
  return [];
}

function describe(budget: JsonReader): string {
  const [metadata, status] = [budget.at("metadata"), budget.at("status")];
  const figure = (name: string) => status.at(name).optionalNumber() ?? 0;
  const name = `${metadata.at("namespace").string()}/${metadata.at("name").string()}`;
  const figures = `${figure("currentHealthy")} healthy, ${figure("desiredHealthy")} needed`;
  return `budget ${name} allows ${figure("disruptionsAllowed")} disruptions (${figures})`;
}

/** Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements */
function matches(selector: JsonReader, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector.at("matchLabels").stringMap());
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  return selector
    .at("matchExpressions")
    .list(1_000)
    .every((expression) => {
      const label = labels[expression.at("key").string()];
      const values = expression.at("values").strings(10_000);
      const operator = expression.at("operator").string();
      if (operator === "Exists") return label !== undefined;
      if (operator === "DoesNotExist") return label === undefined;
      const isIn = label !== undefined && values.includes(label);
      return operator === "In" ? isIn : !isIn;
    });
}

function causeOf(refusal: KubernetesApiError): string {
  const causes = new JsonReader(refusal.body, "refusal").at("details").at("causes").list(100);
  const texts = causes.map((cause) => cause.at("message").optionalString() ?? "").filter((text) => text !== "");
  return texts.length > 0 ? texts.join("; ") : refusal.message;
}
