import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { waitForPod, withProbePod } from "../probe-pod.ts";
import type { Check, CheckBed } from "../check.ts";

export function runtimeClassPath(name: string): string {
  return `/apis/node.k8s.io/v1/runtimeclasses/${encodeURIComponent(name)}`;
}

/** A pod of a RuntimeClass runs, so the runtime has the handler that it names, and that handler's program starts. */
export function runtimeClassCheck({ client, node, namespace, image }: CheckBed, name: string): Check {
  const pod = { node, namespace, image, command: ["sleep", "600"], readyWhen: ["true"], runtimeClass: name };
  return {
    name: `runtime class ${name}`,
    next: "the runtime has the handler, and its program is installed: on the node, crictl info",
    prove: async (call) => {
      const object = await client.find(call, runtimeClassPath(name));
      if (object === undefined) throw new EngineError("notFound", `runtime class ${name}: not in the cluster`);
      const handler = new JsonReader(object, `runtime class ${name}`).at("handler").string();
      return await withProbePod(call, client, pod, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        return `a pod ran by handler ${handler}`;
      });
    },
  };
}
