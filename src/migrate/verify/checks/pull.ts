import { waitForPod, withProbePod, type ProbeState } from "../probe-pod.ts";
import type { UsedRegistry } from "../used-by-pods.ts";
import type { Check, CheckBed } from "../check.ts";

/**
 * The image is asked for anew, with its pod's own credentials; the workload itself is not run: what is started in its place
 * need not be there.
 */
export function pullCheck(bed: CheckBed, { host, image, namespace, pullSecrets }: UsedRegistry): Check {
  const secrets = pullSecrets.length === 0 ? "" : ` with ${pullSecrets.join(", ")}`;
  return {
    name: `pull ${host}${secrets}`,
    next: `on the node: crictl pull ${image}`,
    prove: async (call) => {
      await pull(call, bed, { namespace, image, pullSecrets });
      return image;
    },
  };
}

/** The sandbox image as a runtime pulls it: without credentials of any pod. */
export function sandboxImageCheck(bed: CheckBed, image: string): Check {
  return {
    name: "pull sandbox image",
    next: `on the node: crictl pull ${image}; sandbox_image names another one`,
    prove: async (call) => {
      await pull(call, bed, { namespace: bed.namespace, image, pullSecrets: [] });
      return `${image}, without credentials`;
    },
  };
}

type Pulled = { readonly namespace: string; readonly image: string; readonly pullSecrets: readonly string[] };

async function pull(call: Parameters<Check["prove"]>[0], { client, node }: CheckBed, pulled: Pulled): Promise<void> {
  const pod = { ...pulled, node, pullPolicy: "Always", command: ["/ferry-migrate-pulls-only"] } as const;
  await withProbePod(call, client, pod, async (place) => {
    await waitForPod(call, client, place, isPulled);
  });
}

/** Started in vain, or ended: either way, it was pulled. */
function isPulled({ hasImage, ready, text }: ProbeState): boolean {
  const startedOnce = /RunContainerError|StartError|CreateContainerError|CrashLoopBackOff|ContainerCannotRun/;
  return hasImage || ready || startedOnce.test(text);
}
