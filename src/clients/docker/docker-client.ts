import type { Socket } from "node:net";
import { EngineError, errnoOf } from "#base/errors.ts";
import { DockerApiError } from "./api-error.ts";
import { formatEndpoint, type Endpoint } from "./endpoint.ts";
import { exchange, type HttpResponse } from "./http-exchange.ts";
import { jsonLines } from "./json-lines.ts";

// Not imported: an import of a Node module evaluates every export it has, for some milliseconds.
const { connect } = process.getBuiltinModule("node:net");

export type QueryValue = string | number | boolean | undefined | null | readonly string[];
export type Query = Readonly<Record<string, QueryValue>>;

export type ApiRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** Below the version: `/containers/json`. */
  readonly path: string;
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is (a tar archive). */
  readonly body?: AsyncIterable<Uint8Array> | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

/** A connection that became a plain two-way stream. The caller closes it. */
export type Hijacked = {
  readonly socket: Socket;
  readonly output: AsyncIterable<Buffer>;
  /** Content type of the answer; tells frames from a terminal's bytes on newer servers. */
  readonly contentType: string;
  readonly [Symbol.dispose]: () => void;
};

export type ClientOptions = {
  readonly endpoint: Endpoint;
  /** Directory with ca.pem, cert.pem and key.pem; undefined speaks plain. */
  readonly tls?: { readonly directory: string; readonly verify: boolean } | undefined;
  /** `1.41`; undefined leaves the version to the server. */
  readonly apiVersion?: string | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** Talks to one API server; holds nothing open between calls. */
export class DockerClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get endpoint(): Endpoint {
    return this.#options.endpoint;
  }

  /** One JSON answer. @throws DockerApiError for a status from 400 @throws unavailable when nobody answers */
  async json<T>(request: ApiRequest): Promise<T> {
    const text = await this.text(request);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** The whole answer as text. @throws as json */
  async text(request: ApiRequest): Promise<string> {
    await using response = await this.open(request);
    return await readText(response.body);
  }

  /** An answer that is read bit by bit; dispose to hang up. @throws as json */
  async open(request: ApiRequest): Promise<HttpResponse & AsyncDisposable> {
    const { socket, response } = await this.#send(request, {});
    return { ...response, [Symbol.asyncDispose]: async () => void socket.destroy() };
  }

  /** A stream of JSON values, one per line. Ends with the iteration. @throws as json */
  async *lines<T>(request: ApiRequest): AsyncGenerator<T> {
    await using response = await this.open(request);
    yield* jsonLines<T>(response.body);
  }

  /** Turns the connection into a two-way stream. @throws as json */
  async hijack(request: ApiRequest): Promise<Hijacked> {
    const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };
    const { socket, response } = await this.#send({ method: "POST", ...request }, upgrade);
    return {
      socket,
      output: response.body,
      contentType: response.headers["content-type"] ?? "",
      [Symbol.dispose]: () => void socket.destroy(),
    };
  }

  async #send(
    request: ApiRequest,
    extra: Readonly<Record<string, string>>,
  ): Promise<{ socket: Socket; response: HttpResponse }> {
    const { apiVersion, headers } = this.#options;
    const socket = await this.#connect();
    const stop = () => socket.destroy(abortError());
    if (request.signal?.aborted === true) stop();
    request.signal?.addEventListener("abort", stop, { once: true });
    socket.once("close", () => request.signal?.removeEventListener("abort", stop));
    const isJson = request.json !== undefined;
    const body = isJson ? JSON.stringify(request.json) : request.body;
    try {
      const response = await exchange(socket, {
        method: request.method ?? "GET",
        path: `${apiVersion === undefined ? "" : `/v${apiVersion}`}${request.path}${formatQuery(request.query)}`,
        headers: {
          Host: "docker",
          "User-Agent": "ferry",
          Connection: "close",
          ...(isJson ? { "Content-Type": "application/json" } : {}),
          ...headers,
          ...request.headers,
          ...extra,
        },
        ...(body === undefined ? {} : { body }),
      });
      if (response.status >= 400) throw await apiErrorOf(response);
      return { socket, response };
    } catch (error) {
      socket.destroy();
      throw this.#explain(error);
    }
  }

  async #connect(): Promise<Socket> {
    const { endpoint, tls } = this.#options;
    if (tls !== undefined && endpoint.type === "tcp") {
      const { connectTls } = await import("./tls-connect.ts");
      return connectTls(endpoint, tls);
    }
    return endpoint.type === "unix"
      ? connect({ path: endpoint.path, allowHalfOpen: true })
      : connect({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true });
  }

  #explain(error: unknown): unknown {
    const code = errnoOf(error);
    if (code === undefined || error instanceof EngineError || code === "ABORT_ERR") return error;
    const reason = connectFailures[code] ?? (error instanceof Error ? error.message : code);
    return new EngineError("unavailable", `${formatEndpoint(this.#options.endpoint)}: ${reason}`, { cause: error });
  }
}

const connectFailures: Readonly<Record<string, string>> = {
  ENOENT: "no such socket",
  ECONNREFUSED: "nobody listens",
  EACCES: "permission denied",
  ENOTFOUND: "no such host",
};

function abortError(): Error {
  return Object.assign(new Error("canceled"), { name: "AbortError", code: "ABORT_ERR" });
}

function formatQuery(query: Query | undefined): string {
  let text = "";
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      text += `${text === "" ? "?" : "&"}${name}=${encodeURIComponent(String(one))}`;
    }
  }
  return text;
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function apiErrorOf(response: HttpResponse): Promise<DockerApiError> {
  const text = (await readText(response.body)).trim();
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return new DockerApiError(response.status, message.trim());
  } catch {
    // Not JSON: a proxy's page, or an old server's plain text.
  }
  return new DockerApiError(response.status, text === "" ? `status ${response.status}` : text.slice(0, 500));
}
