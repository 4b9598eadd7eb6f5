import type { Call } from "#core/call.ts";
import { removeSandbox } from "#engine/remove-sandbox.ts";
import type { RemovePodSandboxRequest } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { Cri } from "./cri.ts";

export async function removePodSandbox(call: Call, { engine }: Cri, { podSandboxId }: RemovePodSandboxRequest) {
  await removeSandbox(call, engine, podSandboxId);
  return {};
}
