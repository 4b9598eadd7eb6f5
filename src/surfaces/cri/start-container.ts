import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { startContainer as startEngineContainer } from "#engine/start-container.ts";
import type { StartContainerRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { toContainerState } from "./to-container.ts";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";

/** A container of a pod runs once: the kubelet makes another one for the next attempt. */
export async function startContainer(call: Call, { engine }: Cri, { containerId }: StartContainerRequest) {
  const container = await engine.containers.resolve(call, containerId);
  if (toContainerState(container) !== ContainerState.CONTAINER_CREATED) {
    throw new EngineError("failedPrecondition", `container ${container.id}: not in state created`);
  }
  const sandbox = container.sandboxId && (await engine.sandboxes.find(call, container.sandboxId));
  if (!sandbox || sandbox.state !== "ready") {
    throw new EngineError("failedPrecondition", `container ${container.id}: its sandbox is not ready`);
  }
  await startEngineContainer(call, engine, container.id);
  return {};
}
