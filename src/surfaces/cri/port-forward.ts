import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { PortForwardRequest } from "#gen/runtime/v1/streaming_pb.ts";
import type { Cri } from "./cri.ts";

/** A URL whose connections lead to ports of the pod. */
export async function portForward(call: Call, { engine, streams }: Cri, request: PortForwardRequest) {
  const sandbox = await engine.sandboxes.get(call, request.podSandboxId);
  if (sandbox.state !== "ready") throw new EngineError("failedPrecondition", `sandbox ${sandbox.id}: not ready`);
  const server = await streams.get();
  return { url: server.getPortForward({ podSandboxId: sandbox.id, ports: request.port }) };
}
