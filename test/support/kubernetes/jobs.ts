import { randomUUID } from "node:crypto";
import type { TestApiServer } from "./api-server.ts";
import { asObject } from "./delete-object.ts";
import type { Change } from "./object-store.ts";
import type { StoredObject } from "./selectors.ts";

/** What the Job controller does with Jobs of one pod that is not tried again: makes it, tells how it ended, takes it along. */
export function runJobs({ store }: TestApiServer): void {
  store.listeners.add(({ type, resource, object }: Change) => {
    const { namespace = "", name } = object.metadata;
    if (resource === "jobs" && type === "ADDED") store.put("pods", podOf(object));
    if (resource === "jobs" && type === "DELETED") {
      store.remove({ apiVersion: "v1", resource: "pods", namespace, name: podName(name) });
    }
    if (resource !== "pods" || type === "DELETED") return;
    const job = store.find({ apiVersion: "batch/v1", resource: "jobs", namespace, name: jobOf(object) });
    const condition = conditions[String(asObject(object["status"])["phase"])];
    if (job === undefined || condition === undefined || job["status"] !== undefined) return;
    store.put("jobs", { ...job, status: { conditions: [{ type: condition, status: "True" }] } });
  });
}

const conditions: Readonly<Record<string, string>> = { Succeeded: "Complete", Failed: "Failed" };

function podOf(job: StoredObject): StoredObject {
  const { namespace = "", name } = job.metadata;
  const template = asObject(asObject(job["spec"])["template"]);
  const labels = { ...asObject(asObject(template["metadata"])["labels"]), "job-name": name };
  const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name, uid: "1", controller: true }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name: podName(name), uid: randomUUID(), labels, ownerReferences },
    spec: template["spec"],
    status: { phase: "Pending" },
  };
}

function podName(job: string): string {
  return `${job}-0`;
}

function jobOf({ metadata }: StoredObject): string {
  const owners = metadata["ownerReferences"];
  const owner = Array.isArray(owners) ? asObject(owners[0]) : {};
  return owner["kind"] === "Job" ? String(owner["name"]) : "";
}
