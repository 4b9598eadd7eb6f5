import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "../../call.ts";
import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { waitForPod, withProbePod } from "../probe-pod.ts";
import type { Check, CheckBed } from "../check.ts";

/** The RuntimeClass of this name, undefined when the cluster has none. Servers before 1.20 have `v1beta1` only. */
export async function findRuntimeClass(call: Call, client: KubernetesClient, name: string): Promise<unknown> {
  for (const version of ["v1", "v1beta1"]) {
    const path = `/apis/node.k8s.io/${version}/runtimeclasses/${encodeURIComponent(name)}`;
    const found = await client.find(call, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A pod of a RuntimeClass runs, so the runtime has the handler that it names, and that handler's program starts. */
export function runtimeClassCheck({ client, node, namespace, image }: CheckBed, name: string): Check {
  const pod = { node, namespace, image, command: ["sleep", "600"], readyWhen: ["true"], runtimeClass: name };
  return {
    name: `runtime class ${name}`,
    next: "the runtime has the handler, and its program is installed: on the node, crictl info",
    prove: async (call) => {
      const object = await findRuntimeClass(call, client, name);
      if (object === undefined) throw new EngineError("notFound", `runtime class ${name}: not in the cluster`);
      const handler = new JsonReader(object, `runtime class ${name}`).at("handler").string();
      return await withProbePod(call, client, pod, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        return `a pod ran by handler ${handler}`;
      });
    },
  };
}
