import type { Call } from "#core/call.ts";
import type { ContainerStatusRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { toContainerStatus } from "./to-container.ts";

export async function containerStatus(call: Call, cri: Cri, { containerId, verbose }: ContainerStatusRequest) {
  const container = await cri.engine.containers.resolve(call, containerId);
  const { config, status, sandboxId = "", runtimeHandler, snapshotKey, snapshotter } = container;
  const info = { sandboxID: sandboxId, pid: status.pid, runtimeHandler, snapshotKey, snapshotter, config };
  return {
    status: await toContainerStatus(call, cri, container),
    info: verbose ? { info: JSON.stringify(info) } : {},
  };
}
