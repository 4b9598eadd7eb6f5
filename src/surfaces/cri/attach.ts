import type { Call } from "#core/call.ts";
import { getTask } from "#engine/find-task.ts";
import type { AttachRequest } from "#gen/runtime/v1/streaming_pb.ts";
import type { Cri } from "./cri.ts";

/** A URL that leads to the streams of the container's process. */
export async function attach(call: Call, { engine, streams }: Cri, request: AttachRequest) {
  const { tty, stdin, stdout, stderr } = request;
  const container = await engine.containers.resolve(call, request.containerId);
  await getTask(call, engine, container);
  const server = await streams.get();
  return { url: server.getAttach({ containerId: container.id, tty, stdin, stdout, stderr }) };
}
