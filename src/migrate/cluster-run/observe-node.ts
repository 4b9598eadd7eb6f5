import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { nodePath } from "../apply/cluster-node.ts";
import type { Call } from "../call.ts";
import { jobName } from "./hand-over.ts";
import { findNodeReport, reportAnnotation } from "./node-report.ts";
import { observeJob } from "./observe-job.ts";
import type { NodeProgress } from "./run-state.ts";
import type { Sight } from "./step-run.ts";

type Looked = {
  readonly run: string;
  readonly node: string;
  readonly namespace: string;
  readonly progress: NodeProgress;
};

/** Looks at one node as far as its progress asks for; undefined when the Node is gone. */
export async function observeNode(call: Call, client: KubernetesClient, looked: Looked): Promise<Sight | undefined> {
  const { run, node, namespace, progress } = looked;
  const object = await client.find(call, nodePath(node));
  if (object === undefined) return undefined;
  const json = new JsonReader(object, `node ${node}`);
  const status = json.at("status");
  const ready = status
    .at("conditions")
    .list(1_000)
    .find((one) => one.at("type").optionalString() === "Ready");
  const job = { namespace, name: jobName({ run, node, attempt: progress.attempt }) };
  const isMoving = progress.t === "starting" || progress.t === "moving";
  return {
    isReady: ready?.at("status").optionalString() === "True",
    runtime: status.at("nodeInfo").at("containerRuntimeVersion").optionalString() ?? "",
    report: findNodeReport(json.at("metadata").at("annotations").at(reportAnnotation).optionalString()),
    job: progress.t === "starting" ? await observeJob(call, client, job) : { t: "absent", why: "" },
    daemonSets: isMoving ? {} : await daemonSetsOn(call, client, node),
  };
}

async function daemonSetsOn(call: Call, client: KubernetesClient, node: string): Promise<Record<string, boolean>> {
  const found: Record<string, boolean> = {};
  for await (const { items } of client.list(call, "/api/v1/pods", { fieldSelector: `spec.nodeName=${node}` })) {
    for (const item of items) {
      const pod = new JsonReader(item, "pod");
      const metadata = pod.at("metadata");
      const owners = metadata.at("ownerReferences").list(100);
      const owner = owners.find((one) => one.at("kind").optionalString() === "DaemonSet");
      if (owner === undefined || metadata.at("deletionTimestamp").isPresent) continue;
      const name = `${metadata.at("namespace").string()}/${owner.at("name").string()}`;
      found[name] = found[name] === true || isReady(pod);
    }
  }
  return found;
}

function isReady(pod: JsonReader): boolean {
  const conditions = pod.at("status").at("conditions").list(100);
  return conditions.some((one) => one.at("type").string() === "Ready" && one.at("status").string() === "True");
}
