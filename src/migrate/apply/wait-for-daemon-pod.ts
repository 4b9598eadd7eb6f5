import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "../call.ts";
import { nodePath } from "./cluster-node.ts";

const pollMs = 1_000;

/**
 * Waits until a DaemonSet's pod is ready on the node, as a container of the runtime that the Node names: what can be seen by
 * whoever may make no pods there. Answers its name; undefined where no DaemonSet has one.
 *
 * @throws deadlineExceeded when `call` ends before that
 */
export async function waitForDaemonPod(
  call: Call,
  client: KubernetesClient,
  node: string,
): Promise<string | undefined> {
  let pods: JsonReader[] | undefined;
  try {
    for (;;) {
      pods = await listDaemonPods(call, client, node);
      if (pods.length === 0) return undefined;
      const runtime = await runtimeOf(call, client, node);
      const ready = pods.find((pod) => isReadyOn(pod, runtime));
      if (ready !== undefined) return nameOf(ready);
      await sleep(pollMs, undefined, { signal: call.signal });
    }
  } catch (cause) {
    if (!call.signal.aborted) throw cause;
    const state = pods === undefined ? "the API does not answer" : `not ready: ${pods.map(nameOf).join(", ")}`;
    throw new EngineError("deadlineExceeded", state, { cause });
  }
}

/** `containerd`. */
async function runtimeOf(call: Call, client: KubernetesClient, node: string): Promise<string> {
  const status = new JsonReader(await client.get(call, nodePath(node)), `node ${node}`).at("status");
  const version = status.at("nodeInfo").at("containerRuntimeVersion").optionalString() ?? "";
  return version.split("://")[0] ?? "";
}

async function listDaemonPods(call: Call, client: KubernetesClient, node: string): Promise<JsonReader[]> {
  const pods: JsonReader[] = [];
  for await (const { items } of client.list(call, "/api/v1/pods", { fieldSelector: `spec.nodeName=${node}` })) {
    for (const item of items) {
      const pod = new JsonReader(item, "pod");
      const owners = pod.at("metadata").at("ownerReferences").list(1_000);
      if (owners.some((owner) => owner.at("kind").optionalString() === "DaemonSet")) pods.push(pod);
    }
  }
  return pods;
}

/** A container's id begins with its runtime; the picture of a pod may be older than the move. */
function isReadyOn(pod: JsonReader, runtime: string): boolean {
  const containers = pod.at("status").at("containerStatuses").list(1_000);
  return (
    containers.length > 0 &&
    containers.every((one) => {
      const id = one.at("containerID").optionalString() ?? "";
      return one.at("ready").boolean() && (id === "" || id.startsWith(`${runtime}://`));
    })
  );
}

function nameOf(pod: JsonReader): string {
  const metadata = pod.at("metadata");
  return `pod ${metadata.at("namespace").string()}/${metadata.at("name").string()}`;
}
