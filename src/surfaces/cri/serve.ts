import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import type { Cri, CriSettings } from "./cri.ts";
import type { Engine } from "#engine/engine.ts";
import { GrpcServer } from "./grpc/grpc-server.ts";
import { isKnown } from "./grpc/rpc-status.ts";
import { routesOf, type RpcContext } from "./grpc/service-routes.ts";
import { imageHandlers, runtimeHandlers } from "./handlers.ts";
import { lazily } from "./lazily.ts";
import { refuseNul } from "./refuse-nul.ts";
import type { StreamingServer } from "./streaming/streaming-server.ts";
import { UsageCache } from "./usage-cache.ts";

/** Serves connections that somebody accepted. */
export interface Serving extends AsyncDisposable {
  accept(socket: Socket): void;
}

const maxMessageBytes = 16 * 1024 * 1024;

/** Runs a handler's work as one call: its own log fields and deadline, its end logged. */
export type Run = {
  readonly unary: <I, O>(
    handler: (call: Call, cri: Cri, request: I) => Promise<O>,
  ) => (request: I, context: RpcContext) => Promise<O>;
  readonly stream: <I, O>(
    handler: (call: Call, cri: Cri, request: I) => AsyncIterable<O>,
  ) => (request: I, context: RpcContext) => AsyncIterable<O>;
};

export async function serve(call: Call, parts: { engine: Engine; settings: CriSettings }): Promise<Serving> {
  const cri: Cri = { ...parts, streams: lazily(() => openStreams(call, parts)), usage: new UsageCache() };
  const run = runner(call, cri);
  const routes = new Map([
    ...routesOf(RuntimeService, runtimeHandlers(run)),
    ...routesOf(ImageService, imageHandlers(run)),
  ]);
  const server = new GrpcServer({
    find: (path) => routes.get(path.replace(/^\/runtime\.v1alpha2\./, "/runtime.v1.")),
    maxMessageBytes,
    signal: call.signal,
  });
  return {
    accept: (socket) => server.accept(socket),
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
  const { streamTls } = settings;
  return await StreamingServer.open(call, new EngineStreams(engine), {
    host: settings.streamAddress,
    port: settings.streamPort,
    idleTimeoutMs: settings.streamIdleTimeoutMs,
    creationTimeoutMs: settings.streamCreationTimeoutMs,
    ...(streamTls !== undefined && { tls: await readKeyPair(streamTls) }),
  });
}

async function readKeyPair({ certPath, keyPath }: NonNullable<CriSettings["streamTls"]>) {
  try {
    const [cert, key] = await Promise.all([readFile(certPath, "utf8"), readFile(keyPath, "utf8")]);
    return { cert, key };
  } catch (error) {
    throw new EngineError("failedPrecondition", `streaming server: ${messageOf(error)}`, { cause: error });
  }
}

function runner(base: Call, cri: Cri): Run {
  const callOf = (context: RpcContext): Call => ({
    ...base,
    signal: context.signal,
    log: base.log.child({ rpc: context.name }),
  });
  return {
    unary: (handler) => async (request, context) => {
      const call = callOf(context);
      const startedMs = performance.now();
      try {
        refuseNul(request);
        const response = await handler(call, cri, request);
        noteEnd(call, context, performance.now() - startedMs);
        return response;
      } catch (error) {
        noteFailure(call, error);
        throw error;
      }
    },
    stream: (handler) =>
      async function* (request, context) {
        const call = callOf(context);
        try {
          refuseNul(request);
          yield* handler(call, cri, request);
        } catch (error) {
          noteFailure(call, error);
          throw error;
        }
      },
  };
}

/** One line for what changes something; reads, which a kubelet makes every second, at debug. */
function noteEnd(call: Call, { name }: RpcContext, ms: number): void {
  const changes = /^(Run|Stop|Remove|Create|Start|Update|Pull|Reopen)/.test(name);
  call.log[changes ? "info" : "debug"]({ durationMs: Math.round(ms) }, "done");
}

/** A mistake of ours is logged with its stack: the client hears nothing of it. */
function noteFailure(call: Call, error: unknown): void {
  if (isKnown(error)) return call.log.debug({ error: messageOf(error), kind: kindOf(error) }, "failed");
  call.log.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, "failed");
}
