import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { stopContainer as stopEngineContainer } from "#engine/stop-container.ts";
import type { StopContainerRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";

/** `timeout` in seconds, 0 kills at once. One that does not run or is not there has stopped. */
export async function stopContainer(call: Call, { engine }: Cri, { containerId, timeout }: StopContainerRequest) {
  const graceMs = timeout < 0n ? 0 : Number(timeout) * 1000;
  try {
    await stopEngineContainer(call, engine, {
      container: containerId,
      graceMs,
      ...(graceMs === 0 && { signal: "SIGKILL" }),
    });
  } catch (error) {
    if (!isKind(error, "notModified", "notFound")) throw error;
  }
  return {};
}
