import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { serveUpgrade, type StreamRequest, type StreamTimeouts } from "./serve-upgrade.ts";
import type {
  AttachStreamRequest,
  ExecStreamRequest,
  PortForwardStreamRequest,
  StreamingRuntime,
  WantedStreams,
} from "./streaming-runtime.ts";
import { TokenCache } from "./token-cache.ts";

export type StreamingServerOptions = {
  /** An IP address or a host's name. Anybody who reaches it and knows a fresh token gets its stream. Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, one that is free. */
  readonly port?: number;
  /** PEM texts; URLs are `https` then. With `ca`, clients must have a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Closes a connection on which nothing was said for so long; 0: never. Default: 4 hours. */
  readonly idleTimeoutMs?: number;
  /** How long a client may take to open the streams it asked for. Default: 30 s. */
  readonly creationTimeoutMs?: number;
  /** How long a URL is good for. Default: 1 minute. */
  readonly tokenTtlMs?: number;
  /** Most URLs that wait to be used. Default: 1,000. */
  readonly maxTokens?: number;
};

/** How long streams may take to notice that the server closes. */
const closeGraceMs = 5_000;

/**
 * Serves exec, attach and port-forward on URLs that are good for one use: the kubelet asks for one over CRI and passes
 * its client's connection on to it.
 *
 * Protocols: SPDY/3.1 and WebSocket, as kubectl, the kubelet and crictl speak them. Disposing cuts all connections off;
 * what `runtime` does for them is aborted and waited for.
 */
export class StreamingServer implements AsyncDisposable {
  readonly #call: Call;
  readonly #runtime: StreamingRuntime;
  readonly #server: Server;
  readonly #baseUrl: string;
  readonly #tokens: TokenCache<StreamRequest>;
  readonly #timeouts: StreamTimeouts;
  readonly #stopped: AbortController;
  readonly #sockets = new Set<Socket>();
  readonly #running = new Set<Promise<void>>();

  /** `call` gives the logger, and the signal that ends every stream. @throws unavailable when the address is not to be had */
  static async open(
    call: Call,
    runtime: StreamingRuntime,
    options: StreamingServerOptions = {},
  ): Promise<StreamingServer> {
    const server = createHttpServer(options);
    const address = await listen(server, options);
    return new StreamingServer(call, runtime, { ...options, server, address });
  }

  private constructor(
    call: Call,
    runtime: StreamingRuntime,
    options: StreamingServerOptions & { readonly server: Server; readonly address: AddressInfo },
  ) {
    const { server, address, tls, idleTimeoutMs = 4 * 3600_000, creationTimeoutMs = 30_000 } = options;
    this.#stopped = new AbortController();
    this.#call = { ...call, signal: AbortSignal.any([call.signal, this.#stopped.signal]) };
    this.#runtime = runtime;
    this.#server = server;
    const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
    this.#baseUrl = `${tls === undefined ? "http" : "https"}://${host}:${address.port}`;
    this.#tokens = new TokenCache({ ttlMs: options.tokenTtlMs ?? 60_000, maxTokens: options.maxTokens ?? 1000 });
    this.#timeouts = { idleTimeoutMs, creationTimeoutMs };
    server.on("connection", (socket: Socket) => this.#track(socket));
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    server.on("request", (request, response) => {
      const known = this.#take(request) !== undefined;
      const text = known ? "unable to upgrade: missing upgrade headers in request" : "404 page not found";
      response.writeHead(known ? 400 : 404, { "Content-Type": "text/plain", Connection: "close" }).end(`${text}\n`);
    });
  }

  /** Where the server listens: `http://127.0.0.1:41234`. */
  get baseUrl(): string {
    return this.#baseUrl;
  }

  /** @throws invalidArgument @throws resourceExhausted when too many URLs wait to be used */
  getExec(request: ExecStreamRequest): string {
    checkCommand(request);
    return this.#url({ t: "exec", request });
  }

  /** @throws invalidArgument @throws resourceExhausted when too many URLs wait to be used */
  getAttach(request: AttachStreamRequest): string {
    checkCommand(request);
    return this.#url({ t: "attach", request });
  }

  /** @throws invalidArgument @throws resourceExhausted when too many URLs wait to be used */
  getPortForward(request: PortForwardStreamRequest): string {
    if (request.podSandboxId === "") throw new EngineError("invalidArgument", "missing required pod_sandbox_id");
    const wrong = request.ports.find((port) => !Number.isInteger(port) || port < 1 || port > 0xffff);
    if (wrong !== undefined) throw new EngineError("invalidArgument", `port ${wrong}: not between 1 and 65535`);
    if (request.ports.length > maxPorts) throw new EngineError("invalidArgument", `ports: more than ${maxPorts}`);
    return this.#url({ t: "portforward", request });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    const grace = new AbortController();
    const late = sleep(closeGraceMs, undefined, { signal: grace.signal }).catch(() => {});
    await Promise.race([Promise.allSettled(this.#running), late]);
    grace.abort();
  }

  #url(request: StreamRequest): string {
    return `${this.#baseUrl}/${request.t}/${this.#tokens.add(request)}`;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // Without a listener an error on a connection that was taken over would end the daemon.
    socket.on("error", () => socket.destroy());
  }

  #take(request: IncomingMessage): StreamRequest | undefined {
    const [, kind, token] = /^\/(exec|attach|portforward)\/([\w-]+)(?:\?|$)/.exec(request.url ?? "") ?? [];
    const stream = token === undefined ? undefined : this.#tokens.take(token);
    return stream?.t === kind ? stream : undefined;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const stream = this.#take(request);
    if (stream === undefined) return refuseUpgrade(socket, { status: 404, text: "404 page not found" });
    const upgrade = { request, socket, head, timeouts: this.#timeouts };
    const done = serveUpgrade(this.#call, this.#runtime, upgrade, stream)
      .catch((error: unknown) => {
        this.#call.log.error({ err: messageOf(error) }, `${stream.t}: stream failed`);
        socket.destroy();
      })
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }
}

/** Two channels each, and a channel's number is a byte. */
const maxPorts = 100;

/** Source: the streaming server's checks in k8s.io/cri-streaming, which kubelets' users see the texts of. */
function checkCommand({ containerId, ...wanted }: WantedStreams & { readonly containerId: string }): void {
  if (containerId === "") throw new EngineError("invalidArgument", "missing required container_id");
  if (wanted.tty && wanted.stderr) {
    throw new EngineError("invalidArgument", "tty and stderr cannot both be true");
  }
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
    throw new EngineError("invalidArgument", "one of stdin, stdout, or stderr must be set");
  }
}

function createHttpServer({ tls }: StreamingServerOptions): Server {
  // Not by import statements: these evaluate every export, and one of them is a WebSocket client of 7 MB.
  if (tls === undefined) return process.getBuiltinModule("node:http").createServer();
  const verify = tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
  return process.getBuiltinModule("node:https").createServer({ ...tls, ...verify });
}

async function listen(server: Server, { host = "127.0.0.1", port = 0 }: StreamingServerOptions): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new EngineError("unavailable", `streaming server: ${messageOf(cause)}`, { cause });
  }
  server.off("error", reject);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("streaming server: no address");
  return address;
}
