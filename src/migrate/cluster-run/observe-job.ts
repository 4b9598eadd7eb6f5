import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "../call.ts";
import type { JobSight } from "./step-run.ts";

export function jobsPath(namespace: string): string {
  return `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/jobs`;
}

/** Looks at the Job `name`, and at its pod for what it says itself: a Job knows only that it failed. */
export async function observeJob(
  call: Call,
  client: KubernetesClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<JobSight> {
  const object = await client.find(call, `${jobsPath(namespace)}/${name}`);
  if (object === undefined) return { t: "absent", why: "" };
  const json = new JsonReader(object, "job");
  const status = json.at("status");
  const hasFailed = status
    .at("conditions")
    .list(100)
    .some((one) => one.at("type").string() === "Failed" && one.at("status").string() === "True");
  const words = await wordsOfPods(call, client, { namespace, name });
  if (words !== undefined) return { t: hasFailed ? "failed" : "active", why: words };
  const made = Date.parse(json.at("metadata").at("creationTimestamp").optionalString() ?? "");
  const why = Date.now() - made > podMs ? `it has no pod: kubectl -n ${namespace} describe job ${name}` : "";
  return { t: hasFailed ? "failed" : "active", why };
}

/** Undefined where there is no pod: a quota or an admission refused it, or it is only a moment. */
async function wordsOfPods(call: Call, client: KubernetesClient, job: { namespace: string; name: string }) {
  const path = `/api/v1/namespaces/${encodeURIComponent(job.namespace)}/pods`;
  let found: string | undefined;
  for await (const { items } of client.list(call, path, { labelSelector: `job-name=${job.name}` })) {
    for (const item of items) {
      const words = wordsOf(new JsonReader(item, "pod").at("status"));
      if (words !== "") return words.slice(0, maxWords);
      found = "";
    }
  }
  return found;
}

const maxWords = 500;
/** A Job has a pod sooner than that. */
const podMs = 30_000;
/** Every pod is so for a moment. */
const ordinary = ["ContainerCreating", "PodInitializing"];

/** What a pod says of its trouble: a kubelet that refuses it, an image that cannot be had, the last lines of a script. */
function wordsOf(status: JsonReader): string {
  const [container] = status.at("containerStatuses").list(100);
  const state = container?.at("state");
  const [waiting, terminated] = [state?.at("waiting"), state?.at("terminated")];
  if (waiting?.isPresent === true && !ordinary.includes(textAt(waiting, "reason"))) return reasonOf(waiting);
  const exitCode = terminated?.at("exitCode").optionalNumber() ?? 0;
  if (terminated !== undefined && exitCode !== 0) return textAt(terminated, "message") || `exit code ${exitCode}`;
  return reasonOf(status);
}

function reasonOf(json: JsonReader): string {
  return [textAt(json, "reason"), textAt(json, "message")].filter((text) => text !== "").join(": ");
}

function textAt(json: JsonReader, key: string): string {
  return (json.at(key).optionalString() ?? "").trim();
}
