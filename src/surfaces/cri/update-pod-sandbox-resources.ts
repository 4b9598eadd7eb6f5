import type { Call } from "#core/call.ts";
import type { UpdatePodSandboxResourcesRequest } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { Cri } from "./cri.ts";

/** The pod's own cgroup is the kubelet's; there is no process of ours in it to limit. @throws notFound */
export async function updatePodSandboxResources(
  call: Call,
  { engine }: Cri,
  { podSandboxId }: UpdatePodSandboxResourcesRequest,
) {
  await engine.sandboxes.get(call, podSandboxId);
  return {};
}
