import type { Agent as HttpAgent, IncomingMessage, RequestOptions } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { WebSocket } from "ws";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import { KubernetesError } from "./api-error.ts";
import type { Abortable, Credentials, KubernetesConnection } from "./connection.ts";

export type TransportRequest = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request when nothing arrives for so long; 0 waits for ever. */
  readonly idleTimeoutMs: number;
};

export type TransportResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Read to its end, or destroyed, by the caller. */
  readonly body: Readable;
  /** The call's: what breaks off after it was aborted is canceled, not broken. */
  readonly signal: AbortSignal;
};

const maxSockets = 16;

/** Of a WebSocket. Servers of Kubernetes send 32 KiB. */
const maxMessageBytes = 4 * 1024 * 1024;

/** Connections to one API server, kept open between requests. */
export class Transport implements Disposable {
  readonly #connection: KubernetesConnection;
  #agent: HttpAgent | undefined;
  #agentCert: Credentials["cert"];

  constructor(connection: KubernetesConnection) {
    this.#connection = connection;
  }

  /** @throws unavailable when there is no answer; canceled when `call.signal` is aborted */
  async send(call: Abortable, request: TransportRequest, credentials: Credentials): Promise<TransportResponse> {
    if (call.signal.aborted) throw new EngineError("canceled", "request: canceled", { cause: call.signal.reason });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const isTls = this.#connection.server.protocol === "https:";
    // Not imported: an import evaluates every export, for megabytes; see test/layers.test.ts.
    const module = isTls ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
    const outgoing = module.request(this.#options(call, request, credentials), resolve);
    outgoing.on("error", reject);
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer for ${request.idleTimeoutMs / 1000} s`)));
    outgoing.end(request.body);
    try {
      const answer = await promise;
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: decoded(answer), signal: call.signal };
    } catch (error) {
      throw this.failure(call, error);
    }
  }

  /**
   * A WebSocket, asked for with one subprotocol; its caller waits for it to open, and listens to it before that. What is not
   * an upgrade comes as its event `unexpected-response`.
   */
  async webSocket(path: string, protocol: string, credentials: Credentials): Promise<WebSocket> {
    const { server, headers } = this.#connection;
    const { authorization } = credentials;
    const { WebSocket } = await import("ws");
    const root = `${server.origin.replace(/^http/, "ws")}${server.pathname.replace(/\/$/, "")}`;
    return new WebSocket(`${root}${path}`, [protocol], {
      agent: this.#agentFor(credentials),
      headers: { ...headers, "user-agent": "ferry", ...(authorization === undefined ? {} : { authorization }) },
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
    });
  }

  /** What a connection that broke with `cause` is told as. */
  failure(call: Abortable, cause: unknown): Error {
    if (call.signal.aborted) return new EngineError("canceled", "request: canceled", { cause });
    const code = errnoOf(cause);
    const why = messageOf(cause) === "" ? (code ?? "no answer") : messageOf(cause);
    return new KubernetesError("unavailable", `api server ${this.#connection.server.origin}: ${why}`, { cause });
  }

  [Symbol.dispose](): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  #options(call: Abortable, request: TransportRequest, credentials: Credentials): RequestOptions {
    const { server, headers } = this.#connection;
    const hasBody = request.body !== undefined;
    return {
      protocol: server.protocol,
      host: server.hostname.replace(/^\[|\]$/g, ""),
      port: server.port === "" ? (server.protocol === "https:" ? 443 : 80) : server.port,
      method: request.method,
      path: `${server.pathname.replace(/\/$/, "")}${request.path}`,
      agent: this.#agentFor(credentials),
      signal: call.signal,
      timeout: request.idleTimeoutMs,
      headers: {
        ...headers,
        ...request.headers,
        "accept-encoding": "gzip",
        ...(credentials.authorization === undefined ? {} : { authorization: credentials.authorization }),
        ...(hasBody ? { "content-length": Buffer.byteLength(request.body) } : {}),
      },
    };
  }

  /** A new client certificate needs connections of its own. */
  #agentFor(credentials: Credentials): HttpAgent {
    if (this.#agent !== undefined && this.#agentCert === credentials.cert) return this.#agent;
    this.#agent?.destroy();
    const { server, ca, serverName, insecure, proxyUrl } = this.#connection;
    const common = {
      keepAlive: true,
      maxSockets,
      ...(proxyUrl === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl } }),
    };
    this.#agentCert = credentials.cert;
    this.#agent =
      server.protocol === "https:"
        ? new (process.getBuiltinModule("node:https").Agent)({
            ...common,
            rejectUnauthorized: !insecure,
            ...(ca === undefined ? {} : { ca }),
            ...(serverName === undefined ? {} : { servername: serverName }),
            ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
            ...(credentials.key === undefined ? {} : { key: credentials.key }),
          })
        : new (process.getBuiltinModule("node:http").Agent)(common);
    return this.#agent;
  }
}

function decoded(answer: IncomingMessage): Readable {
  if (answer.headers["content-encoding"] !== "gzip") return answer;
  const gunzip = createGunzip();
  answer.on("error", (error) => gunzip.destroy(error));
  answer.on("aborted", () => gunzip.destroy(new Error("connection ended early")));
  gunzip.on("close", () => answer.destroy());
  return answer.pipe(gunzip);
}
