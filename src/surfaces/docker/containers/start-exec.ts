import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";
import { inspectExec, startExec } from "#engine/exec.ts";
import { bridgeStreams } from "../bridge-streams.ts";
import { defaultDetachKeys } from "../detach-keys.ts";
import { textOf } from "../error-answer.ts";
import { readBody } from "../read-body.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { frameHeader } from "../stdcopy.ts";

/**
 * Runs a prepared exec: detached at once answered, otherwise on the bare connection until it ends.
 *
 * A command that cannot be started is told on the connection, as Docker does; its code is the exec's exit code.
 */
export async function startExecRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, name } = context;
  const body = await readBody(context);
  const { tty, attach } = inspectExec(call, engine, name);
  if (body.at("Detach").boolean()) {
    await startExec(call, engine, { execId: name, detach: true });
    return { t: "empty", status: 200 };
  }
  const size = readConsoleSize(body.at("ConsoleSize"), tty && context.api >= 42);
  const request = { execId: name, detach: false, ...(size === undefined ? {} : { size }) };
  const started = await startOrTell(context, request, tty);
  if (started === undefined) return taken;
  await using streams = started.streams;
  const connection = context.hijack({ multiplexed: !tty });
  if (streams === undefined) connection.close();
  else {
    const detachKeys = tty && attach.stdin ? defaultDetachKeys : undefined;
    const exited = started.exec.process?.wait(call);
    await bridgeStreams(connection, streams, {
      multiplexed: !tty,
      detachKeys,
      ...(exited === undefined ? {} : { exited }),
    });
  }
  return taken;
}

async function startOrTell(context: RouteContext, request: Parameters<typeof startExec>[2], tty: boolean) {
  try {
    return await startExec(context.call, context.engine, request);
  } catch (error) {
    if (!(error instanceof EngineError) || error.kind !== "invalidArgument") throw error;
    context.noteFailure(error);
    const connection = context.hijack({ multiplexed: !tty });
    const text = Buffer.from(`${textOf(error)}\r\n`);
    await (tty ? connection.write(text) : connection.write(frameHeader("stdout", text.length), text));
    connection.close();
    return undefined;
  }
}

/** `[height, width]`; none where a terminal is not there or either is 0. */
function readConsoleSize(reader: JsonReader, wanted: boolean): TerminalSize | undefined {
  if (!wanted || !reader.isPresent) return undefined;
  const [height = 0, width = 0] = reader.list(2).map((item) => item.size());
  return height > 0 && width > 0 ? { height, width } : undefined;
}
