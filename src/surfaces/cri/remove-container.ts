import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { removeContainer as removeEngineContainer } from "#engine/remove-container.ts";
import type { RemoveContainerRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";

/** A running one is killed first. Its log stays: it is the kubelet's. */
export async function removeContainer(call: Call, { engine }: Cri, { containerId }: RemoveContainerRequest) {
  try {
    await removeEngineContainer(call, engine, { container: containerId, force: true, removeVolumes: true });
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
  return {};
}
