import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { getTask } from "#engine/find-task.ts";
import type { ExecRequest } from "#gen/runtime/v1/streaming_pb.ts";
import type { Cri } from "./cri.ts";

/** A URL that runs the command when somebody connects. */
export async function exec(call: Call, { engine, streams }: Cri, request: ExecRequest) {
  const { containerId, cmd, tty, stdin, stdout, stderr } = request;
  if (cmd.length === 0) throw new EngineError("invalidArgument", "exec: no command");
  const container = await engine.containers.resolve(call, containerId);
  await getTask(call, engine, container);
  const server = await streams.get();
  return { url: server.getExec({ containerId: container.id, args: cmd, tty, stdin, stdout, stderr }) };
}
