import type { ServerResponse } from "node:http";
import type { ApiPath } from "./api-path.ts";
import { sendJson, sendStatus } from "./api-server.ts";
import { asObject, deleteObject } from "./delete-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { matchesLabels, type StoredObject } from "./selectors.ts";

type Eviction = { readonly target: ApiPath; readonly body: Record<string, unknown>; readonly minor: number };

/** Evicts a pod if every budget that matches it allows one more disruption, as the Eviction API does. */
export function evict(store: ObjectStore, response: ServerResponse, { target, body, minor }: Eviction): true {
  const pod = store.find({ ...target, apiVersion: "v1" });
  const budgets = pod === undefined ? [] : budgetsOf(store, pod);
  const refusing = budgets.find((budget) => Number(asObject(budget["status"])["disruptionsAllowed"] ?? 0) < 1);
  if (body["apiVersion"] === "policy/v1" && minor < 22) {
    sendStatus(response, 400, "BadRequest", 'no kind "Eviction" is registered for version "policy/v1" in scheme');
  } else if (pod === undefined) {
    sendStatus(response, 404, "NotFound", `pods "${target.name ?? ""}" not found`);
  } else if (refusing !== undefined) {
    refuse(response, refusing);
  } else {
    for (const budget of budgets) spend(store, budget);
    deleteObject(store, target, pod, false);
    sendJson(response, 201, { apiVersion: "v1", kind: "Status", status: "Success" });
  }
  return true;
}

function budgetsOf(store: ObjectStore, pod: StoredObject): StoredObject[] {
  const { namespace } = pod.metadata;
  const place = { apiVersion: "policy/v1", resource: "poddisruptionbudgets" };
  return store.all({ ...place, ...(namespace === undefined ? {} : { namespace }) }).filter((budget) => {
    const labels = asObject(asObject(asObject(budget["spec"])["selector"])["matchLabels"]);
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
    return matchesLabels(pod, selector.join(","));
  });
}

function refuse(response: ServerResponse, budget: StoredObject): void {
  const { desiredHealthy, currentHealthy } = asObject(budget["status"]);
  const message = `The disruption budget ${budget.metadata.name} needs ${String(desiredHealthy)} healthy pods and has ${String(currentHealthy)} currently`;
  sendStatus(response, 429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: { causes: [{ reason: "DisruptionBudget", message }] },
  });
}

function spend(store: ObjectStore, budget: StoredObject): void {
  const status = asObject(budget["status"]);
  const disruptionsAllowed = Number(status["disruptionsAllowed"] ?? 0) - 1;
  store.put("poddisruptionbudgets", { ...budget, status: { ...status, disruptionsAllowed } });
}
