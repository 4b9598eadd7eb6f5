import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { stopSandbox } from "#engine/stop-sandbox.ts";
import type { StopPodSandboxRequest } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { Cri } from "./cri.ts";

/** One that is not there has stopped: the kubelet repeats the call until it succeeds. */
export async function stopPodSandbox(call: Call, { engine }: Cri, { podSandboxId }: StopPodSandboxRequest) {
  try {
    await stopSandbox(call, engine, podSandboxId);
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
  return {};
}
