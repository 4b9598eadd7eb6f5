import type { Duplex } from "node:stream";
import { createServer as createPlain, ServerResponse, type IncomingMessage } from "node:http";
import { createServer as createTls } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Rights } from "./authorization.ts";
import { parseApiPath, type ApiPath } from "./api-path.ts";
import { ObjectStore } from "./object-store.ts";

/** Answers a request itself (true), or leaves it to the server. For faults, subresources and what is not stored. */
export type Handler = (request: ApiRequestInfo, response: ServerResponse) => boolean | Promise<boolean>;

/** As {@link Handler}, for a client that wants another protocol. */
export type UpgradeHandler = (request: ApiRequestInfo, socket: Duplex) => boolean;

export type ApiRequestInfo = {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly target: ApiPath | undefined;
  readonly message: IncomingMessage;
};

export type ApiServerOptions = {
  /** HTTPS with these, plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Every request must carry it. */
  readonly token?: string;
  /** Where it listens; 127.0.0.1 by default. */
  readonly host?: string;
  /** Of Kubernetes: what `/version` says; 1.34.2 by default. */
  readonly version?: string;
};

/**
 * An API server for tests: what it holds lies in `store`; lists come in pages, by label and field selectors, gzip'd when
 * large, with continuations bound to the moment of the first page. `handlers` are asked first, newest first.
 */
export class TestApiServer implements AsyncDisposable {
  readonly store = new ObjectStore();
  readonly handlers: Handler[] = [];
  readonly upgrades: UpgradeHandler[] = [];
  /** Whose rights are bounded, by token. */
  readonly accounts = new Map<string, Rights>();
  /** `GET /api/v1/pods?limit=500`, in the order they came. */
  readonly requests: string[] = [];
  readonly #options: ApiServerOptions;
  readonly #server: ReturnType<typeof createPlain>;
  /** Also those that have not shaken hands yet, and those that speak another protocol: the server itself forgets them. */
  readonly #connections = new Set<Socket>();
  #port = 0;

  private constructor(options: ApiServerOptions) {
    this.#options = options;
    const serve = (message: IncomingMessage, response: ServerResponse) => {
      void this.#serve(message, response).catch((error: unknown) =>
        sendStatus(response, 500, "InternalError", String(error)),
      );
    };
    this.#server = options.tls === undefined ? createPlain(serve) : createTls(options.tls, serve);
    this.#server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    this.#server.on("upgrade", (message: IncomingMessage, socket: Duplex) => this.#upgrade(message, socket));
  }

  static async start(options: ApiServerOptions = {}): Promise<TestApiServer> {
    const server = new TestApiServer(options);
    await server.#listen(0);
    return server;
  }

  get version(): string {
    return this.#options.version ?? "1.34.2";
  }

  get url(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://${this.#options.host ?? "127.0.0.1"}:${this.#port}`;
  }

  /** Hangs up on everybody, and refuses connections until it is back. */
  async goAway(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    for (const socket of this.#connections) socket.destroy();
    await closed.promise;
  }

  async comeBack(): Promise<void> {
    await this.#listen(this.#port);
  }

  /** Writes a kubeconfig that leads here, with a token of `accounts` or that of whoever may all. */
  async writeKubeconfig(path: string, token = this.#options.token): Promise<string> {
    const { tls } = this.#options;
    const ca = tls?.ca === undefined ? {} : { "certificate-authority-data": Buffer.from(tls.ca).toString("base64") };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster: { server: this.url, ...ca } }],
      users: [{ name: "tester", user: token === undefined ? {} : { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "tester" } }],
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goAway();
  }

  async #listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject).listen(port, this.#options.host ?? "127.0.0.1", resolve);
    await promise;
    this.#server.off("error", reject);
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** An upgrade is answered like any request until a handler takes it. */
  #upgrade(message: IncomingMessage, socket: Duplex): void {
    const request = this.#note(message);
    const response = new ServerResponse(message);
    const refusal = this.#refusal(request, true);
    if (refusal === undefined && this.upgrades.some((take) => take(request, socket))) return;
    response.assignSocket(socket as Socket);
    response.on("finish", () => socket.end());
    if (refusal === undefined) void this.#answer(request, response);
    else sendStatus(response, ...refusal);
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = this.#note(message);
    const refusal = this.#refusal(request, false);
    if (refusal === undefined) await this.#answer(request, response);
    else sendStatus(response, ...refusal);
  }

  #note(message: IncomingMessage): ApiRequestInfo {
    const url = new URL(message.url ?? "/", "http://localhost");
    this.requests.push(`${message.method ?? "GET"} ${message.url ?? "/"}`);
    return {
      method: message.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      target: parseApiPath(url.pathname),
      message,
    };
  }

  /** Status, reason and message for whoever is not known, or may not do this. */
  #refusal(request: ApiRequestInfo, isUpgrade: boolean): [number, string, string] | undefined {
    const { token } = this.#options;
    const given = request.message.headers.authorization?.replace("Bearer ", "");
    if (token === undefined || given === token) return undefined;
    const rights = this.accounts.get(given ?? "");
    if (rights === undefined) return [401, "Unauthorized", "Unauthorized"];
    const why = rights.refusal(request, isUpgrade);
    return why === undefined ? undefined : [403, "Forbidden", why];
  }

  async #answer(request: ApiRequestInfo, response: ServerResponse): Promise<void> {
    for (const handler of this.handlers.toReversed()) if (await handler(request, response)) return;
    this.#read(request, response);
  }

  #read({ method, path, query, target }: ApiRequestInfo, response: ServerResponse): void {
    if (path === "/version" && method === "GET") {
      const [major, minor] = this.version.split(".");
      sendJson(response, 200, { major, minor, gitVersion: `v${this.version}` });
      return;
    }
    if (target === undefined || method !== "GET" || target.subresource !== undefined) {
      sendStatus(response, 404, "NotFound", `the server could not find ${method} ${path}`);
      return;
    }
    if (target.name === undefined) {
      sendPage(response, this.store.list(target, query));
      return;
    }
    const object = this.store.find(target);
    if (object === undefined) sendStatus(response, 404, "NotFound", `${target.resource} "${target.name}" not found`);
    else sendJson(response, 200, object);
  }
}

/** The `Status` object of a refusal. */
export function sendStatus(response: ServerResponse, code: number, reason: string, message: string, more: object = {}) {
  sendJson(response, code, { apiVersion: "v1", kind: "Status", status: "Failure", code, reason, message, ...more });
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return;
  const bytes = Buffer.from(JSON.stringify(value));
  const isLarge = bytes.length > 128 * 1024;
  response.writeHead(status, {
    "content-type": "application/json",
    ...(isLarge ? { "content-encoding": "gzip" } : {}),
  });
  response.end(isLarge ? gzipSync(bytes, { level: 1 }) : bytes);
}

function sendPage(response: ServerResponse, page: ReturnType<ObjectStore["list"]>): void {
  if (page === "expired") {
    sendStatus(response, 410, "Expired", "The provided continue parameter is too old");
    return;
  }
  sendJson(response, 200, page);
}
