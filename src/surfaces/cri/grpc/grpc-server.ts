import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { EngineError } from "#base/errors.ts";
import { readMessage, toFrame } from "./frame.ts";
import { okStatus, parseTimeoutMs, statusOf, type RpcStatus } from "./rpc-status.ts";
import type { Route } from "./service-routes.ts";

export type GrpcServerOptions = {
  /** Method of a path; undefined is answered with "unimplemented". */
  readonly find: (path: string) => Route | undefined;
  /** Of a request. */
  readonly maxMessageBytes: number;
  /** Aborted at the server's end: calls under way are. */
  readonly signal: AbortSignal;
};

/** How long a client may go on sending what was refused. */
const refusedMs = 1_000;
const contentType = "application/grpc";

/**
 * gRPC over HTTP/2 for unary and server-streaming methods, on connections that somebody else accepted.
 *
 * Written here rather than taken from a library because a pod's life is eight calls, and a general server's layers took
 * 1.2 ms and half the garbage of each. Source: grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #server = createServer({
    maxSessionMemory: 256,
    settings: { initialWindowSize: 1 << 20, maxConcurrentStreams: 1024 },
  });
  readonly #calls = new Set<AbortController>();

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) => void this.#serve(stream, headers));
    this.#server.on("sessionError", () => {});
    options.signal.addEventListener("abort", () => this.#abortAll(), { once: true });
  }

  accept(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  /** Never rejects: what goes wrong is told to the client. */
  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on("error", () => {});
    if (headers[":method"] !== "POST") return refuse(stream, 405);
    if (!headers["content-type"]?.startsWith(contentType)) return refuse(stream, 415);
    const call = new AbortController();
    this.#calls.add(call);
    stream.once("close", () => call.abort(gone));
    const timeoutMs = parseTimeoutMs(headerText(headers["grpc-timeout"]));
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => call.abort(tooLate), timeoutMs);
    try {
      await this.#answer(stream, headers, call.signal);
    } catch (error) {
      finish(stream, statusOf(call.signal.aborted ? call.signal.reason : error));
    } finally {
      clearTimeout(timer);
      this.#calls.delete(call);
    }
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, signal: AbortSignal): Promise<void> {
    const path = headers[":path"] ?? "";
    const route = this.#options.find(path);
    if (route === undefined) throw new EngineError("notImplemented", `${path}: no such method`);
    const message = await readMessage(stream, this.#options.maxMessageBytes);
    const context = { name: route.name, signal };
    if (route.t === "unary") begin(stream, await route.run(message, context));
    else for await (const answer of route.run(message, context)) await write(stream, answer, signal);
    finish(stream, okStatus);
  }

  #abortAll(): void {
    for (const call of this.#calls) call.abort(new EngineError("unavailable", "ferryd: stopping"));
  }
}

const gone = new EngineError("canceled", "the client has gone");
const tooLate = new EngineError("deadlineExceeded", "the call's deadline has passed");

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ":status": status }, { endStream: true });
  stream.resume();
}

/** Headers where they have not gone yet, and a message. False when the client does not keep up. */
function begin(stream: ServerHttp2Stream, message: Uint8Array): boolean {
  if (stream.destroyed) return true;
  if (!stream.headersSent) stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: true });
  return stream.write(toFrame(message));
}

async function write(stream: ServerHttp2Stream, message: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (begin(stream, message)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("drain", resolve).once("close", resolve);
  await promise;
}

/** Trailers; without a message before, they are the whole answer. */
function finish(stream: ServerHttp2Stream, status: RpcStatus): void {
  if (stream.destroyed) return;
  if (stream.headersSent) {
    stream.once("wantTrailers", () => stream.sendTrailers(status));
    stream.end();
    return;
  }
  stream.respond({ ":status": 200, "content-type": contentType, ...status }, { endStream: true });
  if (stream.readableEnded) return;
  // A request that was refused is not over; cut off at once, its answer would be lost.
  stream.resume();
  setTimeout(() => stream.close(), refusedMs).unref();
}
