import { EngineError } from "#base/errors.ts";
import { formatRfc3339 } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { readLogBatches, type LogLine, type LogRequest } from "#engine/read-logs.ts";
import { waitContainer } from "#engine/wait-container.ts";
import type { Query } from "../query.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { frameHeader } from "../stdcopy.ts";
import { parseTimestamp } from "../timestamp.ts";
import { asText, asObject, recordOf } from "./records.ts";

/** `docker logs`: raw with a terminal, in frames without. */
export async function containerLogs(context: RouteContext): Promise<Answer> {
  const { engine, query, api } = context;
  const container = await engine.containers.resolve(context.call, context.name);
  if (asText(asObject(recordOf(container).hostConfig["LogConfig"])["Type"]) === "none") {
    throw new EngineError("notImplemented", "configured logging driver does not support reading");
  }
  const request = toLogRequest(container, query);
  // The wait is given up when the reading ends before the container does.
  using left = endWith(context.call);
  const wait = request.follow ? await waitContainer(left.call, engine, container.id, "not-running") : undefined;
  const ended = wait === undefined ? {} : { ended: wait.exited.catch(() => {}) };
  const multiplexed = !container.config.tty;
  const contentType = multiplexed && api >= 42 ? "multiplexed-stream" : "raw-stream";
  const out = context.stream(`application/vnd.docker.${contentType}`);
  out.flush();
  const timestamps = query.boolean("timestamps");
  for await (const batch of readLogBatches(context.call, { ...request, ...ended })) {
    await out.write(encodeLines(batch, { timestamps, multiplexed }));
  }
  out.end();
  return taken;
}

/** @throws invalidArgument */
export function toLogRequest({ logPath: path }: Pick<Container, "logPath">, query: Query): LogRequest {
  const [stdout, stderr] = [query.boolean("stdout"), query.boolean("stderr")];
  if (!stdout && !stderr) {
    throw new EngineError("invalidArgument", "must specify at least one of 'stdout' or 'stderr'");
  }
  const sinceNs = parseTimestamp(query.text("since"), "since");
  const until = query.text("until");
  const untilNs = parseTimestamp(until === "0" ? "" : until, "until");
  const tail = query.text("tail");
  return {
    path,
    stdout,
    stderr,
    ...(sinceNs === undefined || sinceNs === 0n ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
    // As Docker: what is no number is all.
    ...(/^\d{1,9}$/.test(tail) ? { tail: Number(tail) } : {}),
    follow: query.boolean("follow"),
  };
}

/** Lines as the client gets them: each with its time and its frame where those are wanted. */
export function encodeLines(
  lines: readonly LogLine[],
  { timestamps, multiplexed }: { timestamps: boolean; multiplexed: boolean },
): Buffer {
  const parts: Uint8Array[] = [];
  for (const { timeNs, stream, line } of lines) {
    const time = timestamps ? Buffer.from(`${formatRfc3339(timeNs)} `) : undefined;
    if (multiplexed) parts.push(frameHeader(stream, line.length + (time?.length ?? 0)));
    if (time !== undefined) parts.push(time);
    parts.push(line);
  }
  return Buffer.concat(parts);
}

function endWith(call: Call): Disposable & { readonly call: Call } {
  const controller = new AbortController();
  return {
    call: { ...call, signal: AbortSignal.any([call.signal, controller.signal]) },
    [Symbol.dispose]: () => controller.abort(),
  };
}
