import { isKind } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import { waitForPod, withProbePod } from "../probe-pod.ts";
import type { Check, CheckBed } from "../check.ts";
import { findRuntimeClass } from "./runtime-class.ts";

const gpuDevice = "nvidia.com/gpu";
export const gpuRuntimeClass = "nvidia";

/** Whether the node's device plugin offers GPUs. */
export function offersGpus(node: JsonReader): boolean {
  const offered = node.at("status").at("allocatable").at(gpuDevice).optionalString();
  return offered !== undefined && offered !== "0";
}

/**
 * A pod that asks for a GPU has it: by the RuntimeClass where the cluster has one, else by the runtime's default handler,
 * which Docker's `default-runtime` became.
 */
export function gpuCheck({ client, node, namespace, image }: CheckBed, hasRuntimeClass: boolean): Check {
  const seesGpu = ["sh", "-c", "test -e /dev/nvidiactl"];
  const pod = { node, namespace, image, command: ["sleep", "600"], readyWhen: seesGpu, devices: [gpuDevice] };
  const probe = hasRuntimeClass ? { ...pod, runtimeClass: gpuRuntimeClass } : pod;
  return {
    name: "gpu",
    next: hasRuntimeClass
      ? "on the node: is the handler's BinaryName nvidia-container-runtime? containerd: nvidia-ctk runtime configure --runtime=containerd; Ferry: [runtimes.nvidia.options] in config.toml; cri-dockerd: Docker's daemon.json"
      : `neither a RuntimeClass ${gpuRuntimeClass} nor nvidia as the default handler: ferry migrate convert keeps default-runtime`,
    prove: async (call) =>
      await withProbePod(call, client, probe, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        return `/dev/nvidiactl is in a pod of ${hasRuntimeClass ? `runtime class ${gpuRuntimeClass}` : "the default handler"}`;
      }),
  };
}

/** Without the right to look: no. */
export async function hasGpuRuntimeClass(call: Call, { client }: CheckBed): Promise<boolean> {
  try {
    return (await findRuntimeClass(call, client, gpuRuntimeClass)) !== undefined;
  } catch (error) {
    if (!isKind(error, "permissionDenied")) throw error;
    return false;
  }
}
