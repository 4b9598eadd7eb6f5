import { createServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { type Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EngineError, type ErrorKind, errorKinds, kindOf, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import type { Cri, CriSettings } from "./cri.ts";
import type { Engine } from "#engine/engine.ts";
import { imageHandlers, runtimeHandlers } from "./handlers.ts";
import { lazily } from "./lazily.ts";
import type { StreamingServer } from "./streaming/streaming-server.ts";
import { UsageCache } from "./usage-cache.ts";

/** Serves connections that somebody accepted. */
export interface Serving extends AsyncDisposable {
  accept(socket: Socket): void;
}

const maxMessageBytes = 16 * 1024 * 1024;

/** Runs a handler's work as one call: its own log fields and deadline, errors as gRPC tells them. */
export type Run = {
  readonly unary: <I, O>(
    handler: (call: Call, cri: Cri, request: I) => Promise<O>,
  ) => (request: I, context: HandlerContext) => Promise<O>;
  readonly stream: <I, O>(
    handler: (call: Call, cri: Cri, request: I) => AsyncIterable<O>,
  ) => (request: I, context: HandlerContext) => AsyncIterable<O>;
};

export async function serve(call: Call, parts: { engine: Engine; settings: CriSettings }): Promise<Serving> {
  const cri: Cri = { ...parts, streams: lazily(() => openStreams(call, parts)), usage: new UsageCache() };
  const run = runner(call, cri);
  const handle = connectNodeAdapter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    routes(router) {
      router.service(RuntimeService, runtimeHandlers(run));
      router.service(ImageService, imageHandlers(run));
    },
  });
  // Never listens: connections are handed to it, so that this module is loaded with the first of them.
  const server = createServer(
    { maxSessionMemory: 256, settings: { initialWindowSize: 1 << 20, maxConcurrentStreams: 1024 } },
    (request: Http2ServerRequest, response: Http2ServerResponse) => {
      request.url = request.url.replace(/^\/runtime\.v1alpha2\./, "/runtime.v1.");
      handle(request, response);
    },
  );
  server.on("sessionError", () => {});
  return {
    accept: (socket) => void server.emit("connection", socket),
    async [Symbol.asyncDispose]() {
      await (await cri.streams.made()?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

async function openStreams(
  call: Call,
  { engine, settings }: Pick<Cri, "engine" | "settings">,
): Promise<StreamingServer> {
  const [{ StreamingServer }, { EngineStreams }] = await Promise.all([
    import("./streaming/streaming-server.ts"),
    import("./engine-streams.ts"),
  ]);
  const { streamAddress, streamPort } = settings;
  return await StreamingServer.open(call, new EngineStreams(engine), { host: streamAddress, port: streamPort });
}

function runner(base: Call, cri: Cri): Run {
  const callOf = (context: HandlerContext): Call => ({
    ...base,
    signal: AbortSignal.any([base.signal, context.signal]),
    log: base.log.child({ rpc: context.method.name }),
  });
  return {
    unary: (handler) => async (request, context) => {
      const call = callOf(context);
      const startedMs = performance.now();
      try {
        const response = await handler(call, cri, request);
        noteEnd(call, context, performance.now() - startedMs);
        return response;
      } catch (error) {
        throw toConnectError(call, error);
      }
    },
    stream: (handler) =>
      async function* (request, context) {
        const call = callOf(context);
        try {
          yield* handler(call, cri, request);
        } catch (error) {
          throw toConnectError(call, error);
        }
      },
  };
}

/** One line for what changes something; reads, which a kubelet makes every second, at debug. */
function noteEnd(call: Call, { method }: HandlerContext, ms: number): void {
  const changes = /^(Run|Stop|Remove|Create|Start|Update|Pull|Reopen)/.test(method.name);
  call.log[changes ? "info" : "debug"]({ durationMs: Math.round(ms) }, "done");
}

// gRPC's numbers are connect's.
const codes: Readonly<Record<ErrorKind, Code>> = Object.fromEntries(
  Object.entries(errorKinds).map(([kind, { grpc }]) => [kind, grpc]),
) as Record<ErrorKind, Code>;

/** The one place where errors get gRPC's codes; a mistake of ours is logged and its text kept. */
function toConnectError(call: Call, error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const kind = kindOf(error);
  const known = error instanceof EngineError || kind !== "internal";
  if (!known)
    call.log.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, "failed");
  else call.log.debug({ error: messageOf(error), kind }, "failed");
  return new ConnectError(known ? messageOf(error) : "internal error", codes[kind]);
}
