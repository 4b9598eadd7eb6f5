import { once } from "node:events";
import type { Call } from "#core/call.ts";
import { discard, endWritables } from "../command-connection.ts";
import { forwardPort, parsePort } from "../forward-port.ts";
import type { StreamingRuntime } from "../streaming-runtime.ts";
import { resetStatus } from "./spdy-error.ts";
import { SpdySession, type SpdySessionOptions } from "./spdy-session.ts";
import type { SpdyStream } from "./spdy-stream.ts";

export type SpdyPortForwardOptions = Omit<SpdySessionOptions, "onStream" | "maxStreams"> & {
  readonly podSandboxId: string;
  /** How long a connection's second stream may take after its first. */
  readonly creationTimeoutMs: number;
};

/** Two for each forwarded connection. */
const maxStreams = 1024;

/** The streams of one connection; the timer runs until both are there. */
type Pair = { data?: SpdyStream; error?: SpdyStream; readonly timer: NodeJS.Timeout };

/**
 * Forwards connections until the client ends the session: for each it opens a stream of type `error` and one of type
 * `data`, which belong together by `requestID`.
 */
export async function serveSpdyPortForward(
  call: Call,
  runtime: StreamingRuntime,
  options: SpdyPortForwardOptions,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const running = new Set<Promise<void>>();
  const session = new SpdySession({
    ...options,
    maxStreams,
    onStream(stream) {
      const request = readRequest(stream);
      if (request === undefined) return stream.reset(resetStatus.protocolError);
      const pair = pairs.get(request.id) ?? { timer: expire(pairs, request.id, options.creationTimeoutMs) };
      if (pair[request.type] !== undefined) return stream.reset(resetStatus.streamInUse);
      pair[request.type] = stream;
      pairs.set(request.id, pair);
      stream.accept();
      const { data, error } = pair;
      if (data === undefined || error === undefined) return;
      clearTimeout(pair.timer);
      pairs.delete(request.id);
      const done = forward(call, runtime, { options, session, data, error }).finally(() => running.delete(done));
      running.add(done);
    },
  });
  if (!session.ended.aborted) await once(session.ended, "abort");
  for (const { timer } of pairs.values()) clearTimeout(timer);
  await Promise.allSettled(running);
}

type Forward = { options: SpdyPortForwardOptions; session: SpdySession; data: SpdyStream; error: SpdyStream };

async function forward(call: Call, runtime: StreamingRuntime, { options, session, data, error }: Forward) {
  const port = parsePort(data.headers.get("port") ?? "") ?? 0;
  discard(error);
  const fine = await forwardPort(
    call,
    runtime,
    { podSandboxId: options.podSandboxId, port, data, error },
    session.ended,
  );
  await endWritables([error, data], session.ended);
  // The client's half may stay open after the pod's side is gone; kubectl expects to be told.
  if (!fine) data.reset(resetStatus.cancel);
  else discard(data);
}

/** Ends what a client began and did not complete, and tells it where it listens. */
function expire(pairs: Map<string, Pair>, requestId: string, timeoutMs: number): NodeJS.Timeout {
  return setTimeout(() => {
    const pair = pairs.get(requestId);
    pairs.delete(requestId);
    pair?.error?.end(`request ${requestId}: timed out waiting for streams`);
    pair?.error?.resume();
    pair?.data?.reset(resetStatus.cancel);
  }, timeoutMs);
}

/** Undefined when the stream's headers name no type and port that we know. */
function readRequest(stream: SpdyStream): { type: "data" | "error"; id: string } | undefined {
  const type = stream.headers.get("streamtype");
  if (type !== "data" && type !== "error") return undefined;
  if (parsePort(stream.headers.get("port") ?? "") === undefined) return undefined;
  // Clients before Kubernetes 1.3 name no request: they open the error stream, then the data stream.
  const first = type === "error" ? stream.streamId : stream.streamId - 2;
  return { type, id: stream.headers.get("requestid") ?? `stream ${first}` };
}
