import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import type { DrainOptions } from "../../plan/step.ts";

/** A pod that has to leave the node. */
export type DrainPod = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Something brings it back elsewhere. */
  readonly hasController: boolean;
  readonly hasEmptyDir: boolean;
  /** Ran to its end: nothing is lost with it. */
  readonly isFinished: boolean;
};

/** Pods of a node, without those that belong to it: mirror pods of its kubelet, and DaemonSets'. */
export async function listNodePods(call: Call, client: KubernetesClient, node: string): Promise<DrainPod[]> {
  const pods: DrainPod[] = [];
  for await (const page of client.list(call, "/api/v1/pods", { fieldSelector: `spec.nodeName=${node}` })) {
    for (const item of page.items) pods.push(...toDrainPods(new JsonReader(item, "pod")));
  }
  return pods;
}

/** Why pods may not be evicted, one line each; none when all may. */
export function refusals(pods: readonly DrainPod[], options: DrainOptions): string[] {
  const lines: string[] = [];
  for (const pod of pods.filter(({ isFinished }) => !isFinished)) {
    const name = podName(pod);
    if (!pod.hasController && !options.force) lines.push(`${name}: nothing would bring it back (force is needed)`);
    if (pod.hasEmptyDir && !options.deleteEmptyDirData) {
      lines.push(`${name}: its emptyDir data would be lost (deleting it must be allowed)`);
    }
  }
  return lines;
}

export function podName({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `pod ${namespace}/${name}`;
}

/** One pod, or none where it belongs to the node. */
function toDrainPods(pod: JsonReader): DrainPod[] {
  const metadata = pod.at("metadata");
  if (metadata.at("annotations").keys().includes("kubernetes.io/config.mirror")) return [];
  const phase = pod.at("status").at("phase").optionalString();
  const isFinished = phase === "Succeeded" || phase === "Failed";
  const controllers = metadata
    .at("ownerReferences")
    .list(1_000)
    .filter((owner) => owner.at("controller").boolean());
  const isDaemon = controllers.some((owner) => owner.at("kind").string() === "DaemonSet");
  if (isDaemon && !isFinished) return [];
  const volumes = pod.at("spec").at("volumes").list(10_000);
  return [
    {
      namespace: metadata.at("namespace").string(),
      name: metadata.at("name").string(),
      uid: metadata.at("uid").string(),
      labels: metadata.at("labels").stringMap(),
      hasController: controllers.length > 0,
      hasEmptyDir: volumes.some((volume) => volume.at("emptyDir").isPresent),
      isFinished,
    },
  ];
}
