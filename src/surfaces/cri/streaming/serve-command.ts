import { messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { CommandConnection } from "./command-connection.ts";
import { formatCommandStatus, type CommandStatus } from "./command-status.ts";
import type { AttachStreamRequest, ExecStreamRequest, StreamingRuntime } from "./streaming-runtime.ts";

export type CommandRequest =
  | { readonly t: "exec"; readonly request: ExecStreamRequest }
  | { readonly t: "attach"; readonly request: AttachStreamRequest };

/** Runs one exec or attach over a connection, tells its client how it ended, and closes the connection. */
export async function serveCommand(
  call: Call,
  runtime: StreamingRuntime,
  command: CommandRequest,
  connection: CommandConnection,
): Promise<void> {
  const own = { ...call, signal: AbortSignal.any([call.signal, connection.ended]) };
  const status = await run(own, runtime, command, connection);
  const text = formatCommandStatus(status, connection.statusFormat);
  if (text !== undefined) connection.error.write(text);
  await connection.close();
}

async function run(
  call: Call,
  runtime: StreamingRuntime,
  command: CommandRequest,
  { streams }: CommandConnection,
): Promise<CommandStatus> {
  const { containerId } = command.request;
  try {
    if (command.t === "attach") {
      await runtime.attach(call, command.request, streams);
      return { t: "success" };
    }
    const exitCode = await runtime.exec(call, command.request, streams);
    return exitCode === 0 ? { t: "success" } : { t: "exited", exitCode, args: command.request.args };
  } catch (error) {
    const doing = command.t === "exec" ? "error executing command in container" : "error attaching to container";
    if (!call.signal.aborted) call.log.debug({ containerId, err: messageOf(error) }, `${command.t}: failed`);
    return { t: "failed", message: `${doing}: ${messageOf(error)}` };
  }
}
