import { createHash } from "node:crypto";
import type { Agent as HttpAgent, IncomingMessage, RequestOptions } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";
import { EngineError } from "#base/errors.ts";
import { proxyFor } from "./proxy.ts";
import type { RegistryConfig } from "./registry-config.ts";
import { readTrustedCas } from "./trust.ts";

// As a whole, not by import statements: these evaluate every export, and one of them is a WebSocket client of 7 MB. TLS
// is loaded when a registry speaks it.
const http = () => process.getBuiltinModule("node:http");
const https = () => process.getBuiltinModule("node:https");

/** TLS files of one registry, as PEM texts. */
export type HostTls = {
  readonly skipVerify: boolean;
  /** Trusted in addition to the system's. */
  readonly ca: readonly string[];
  readonly clients: readonly { readonly cert: string; readonly key: string }[];
};

export const plainTls: HostTls = { skipVerify: false, ca: [], clients: [] };

export type HttpRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** A stream is sent once; the caller makes a new request with a new stream to try again. */
  readonly body?: Uint8Array | Readable;
  readonly tls: HostTls;
  readonly signal: AbortSignal;
};

const keepAliveMs = 30_000;

/** Connections to registries, kept alive and shared by all requests with the same TLS files and proxy. */
export class HttpClient implements Disposable {
  readonly #config: RegistryConfig;
  readonly #agents = new Map<string, HttpAgent | HttpsAgent>();
  #trusted: Promise<string | undefined> | undefined;

  constructor(config: RegistryConfig) {
    this.#config = config;
  }

  /**
   * Sends a request and answers when the head of the response is there; the caller reads or destroys the response.
   * Aborting the signal ends the response's body too.
   */
  async request({ method, url, headers, body, tls, signal }: HttpRequest): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const agent = await this.#agent(url, tls);
    const options: RequestOptions = {
      method,
      agent,
      signal,
      headers: { "user-agent": this.#config.userAgent, "accept-encoding": "identity", ...headers },
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = url.protocol === "https:" ? https().request(url, options) : http().request(url, options);
    let response: IncomingMessage | undefined;
    request.on("response", (message) => resolve((response = message)));
    request.on("error", reject);
    request.setTimeout(this.#config.idleTimeoutMs, () => {
      // Bytes that wait to be read say that we are the slow side.
      if (response !== undefined && (response.readableLength > 0 || response.readableEnded)) return;
      const stalled = new EngineError("unavailable", `no data for ${this.#config.idleTimeoutMs} ms`);
      if (response === undefined) request.destroy(stalled);
      else response.destroy(stalled);
    });
    if (body instanceof Readable) {
      body.on("error", (error) => request.destroy(error));
      request.on("close", () => body.destroy());
      body.pipe(request);
    } else request.end(body);
    return await promise;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #agent(url: URL, tls: HostTls): Promise<HttpAgent | HttpsAgent> {
    const proxy = proxyFor(url, this.#config.proxy);
    const secure = url.protocol === "https:";
    const key = `${secure ? `https ${tlsKey(tls)}` : "http"} ${proxy ?? "direct"}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const common = {
      keepAlive: true,
      keepAliveMsecs: keepAliveMs,
      timeout: this.#config.idleTimeoutMs,
      ...(proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
    };
    const agent = secure
      ? new (https().Agent)({ ...common, ...(await this.#tlsOptions(tls)) })
      : new (http().Agent)(common);
    // Another request may have made one while the trusted CAs were read.
    const raced = this.#agents.get(key);
    if (raced !== undefined) return raced;
    this.#agents.set(key, agent);
    return agent;
  }

  async #tlsOptions({ ca, clients, skipVerify }: HostTls) {
    this.#trusted ??= readTrustedCas(this.#config.caFile);
    const trusted = await this.#trusted;
    return {
      rejectUnauthorized: !skipVerify,
      ca: [...(trusted === undefined ? process.getBuiltinModule("node:tls").rootCertificates : [trusted]), ...ca],
      ...(clients.length === 0 ? {} : { cert: clients.map(({ cert }) => cert), key: clients.map(({ key }) => key) }),
    };
  }
}

function tlsKey(tls: HostTls): string {
  return createHash("sha256").update(JSON.stringify(tls)).digest("hex");
}
