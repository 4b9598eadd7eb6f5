import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { nodePath } from "../apply/cluster-node.ts";
import type { Call } from "../call.ts";
import type { RunState } from "./run-state.ts";

export type GoneBack = { readonly node: string; readonly runtime: string };

/**
 * Nodes that passed in a run and have another runtime now: rolled back since, or made anew. A Node that is gone is nobody's
 * concern; for target cri-dockerd none can be told, Docker is what they said before too.
 */
export async function findNodesGoneBack(
  call: Call,
  client: KubernetesClient,
  { nodes }: RunState,
  runtimePrefix: string,
): Promise<GoneBack[]> {
  const found: GoneBack[] = [];
  for (const [node, { t }] of Object.entries(nodes)) {
    if (t !== "passed") continue;
    const object = await client.find(call, nodePath(node));
    if (object === undefined) continue;
    const status = new JsonReader(object, `node ${node}`).at("status");
    const runtime = status.at("nodeInfo").at("containerRuntimeVersion").optionalString() ?? "";
    if (!runtime.startsWith(runtimePrefix)) found.push({ node, runtime });
  }
  return found;
}
