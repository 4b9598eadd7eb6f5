import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Authorizer } from "./authorizer.ts";
import { connectionFailure, statusFailure } from "./failure.ts";
import { plainTls, type HttpClient } from "./http-client.ts";
import { isRetriedFailure, isRetriedStatus, readText, retryDelayMs, waitMs } from "./retry.ts";
import type { RetrySettings } from "./registry-config.ts";
import type { RegistryHost } from "./registry-hosts.ts";

export type HostRequest = {
  /** For errors: `manifest library/nginx:latest`. */
  readonly step: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the host's prefix, or a URL the host gave (an upload's location). */
  readonly target: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  readonly body?: () => Uint8Array | Readable;
  /** What the token must allow: `repository:library/nginx:pull`. */
  readonly scopes: readonly string[];
  /** Statuses that are an answer; others are thrown. */
  readonly accept: readonly number[];
  /** 1: the caller repeats by itself. */
  readonly maxAttempts?: number;
};

const maxRedirects = 5;
const maxAuthorizations = 2;

/** Requests to one host of a registry, as one identity. */
export class HostClient {
  readonly host: RegistryHost;
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #retry: RetrySettings;

  constructor(host: RegistryHost, http: HttpClient, authorizer: Authorizer, retry: RetrySettings) {
    this.host = host;
    this.#http = http;
    this.#authorizer = authorizer;
    this.#retry = retry;
  }

  /**
   * Sends until there is an answer worth having; the caller reads or destroys the body.
   *
   * @throws notFound @throws unauthenticated @throws permissionDenied @throws unavailable and others by status
   */
  async request(call: Call, request: HostRequest): Promise<IncomingMessage> {
    const where = { host: this.host.authority, step: request.step };
    let authorizations = 0;
    for (let attempt = 1; ;) {
      const { response, sent, failure } = await this.#try(call, request);
      if (response === undefined) {
        const error = connectionFailure(where, failure);
        if (!isRetriedFailure(failure) || !(await this.#mayRepeat(call, request, attempt, undefined))) throw error;
        attempt++;
        continue;
      }
      const status = response.statusCode ?? 0;
      if (request.accept.includes(status)) return response;
      if (status === 401 && authorizations < maxAuthorizations) {
        authorizations++;
        const challenges = response.headersDistinct["www-authenticate"] ?? [];
        if (await this.#learn(call, where, challenges, sent)) {
          await discard(response);
          continue;
        }
      }
      const after = response.headers["retry-after"];
      const error = await statusFailure(where, response, this.#authorizer.isAnonymous);
      if (status === 401) this.#authorizer.forget();
      if (!isRetriedStatus(status) || !(await this.#mayRepeat(call, request, attempt, after))) throw error;
      attempt++;
    }
  }

  /** Like {@link request}, for an answer whose body does not matter. */
  async send(call: Call, request: HostRequest): Promise<IncomingMessage> {
    const response = await this.request(call, request);
    await discard(response);
    return response;
  }

  /** Asks for a refresh token for the credentials in use. */
  async login(call: Call): Promise<{ identityToken?: string }> {
    await this.send(call, { step: "login", method: "GET", target: "/", scopes: [], accept: [200] });
    return await this.#authorizer.login(this.host, call.signal);
  }

  async #try(
    call: Call,
    request: HostRequest,
  ): Promise<{ response?: IncomingMessage; sent?: string | undefined; failure?: unknown }> {
    const sent = await this.#authorizer.header(this.host, request.scopes, call.signal);
    try {
      return { response: await this.#follow(call, request, sent), sent };
    } catch (failure) {
      call.signal.throwIfAborted();
      return { failure };
    }
  }

  async #follow(call: Call, request: HostRequest, authorization: string | undefined): Promise<IncomingMessage> {
    let url = this.#url(request);
    const origin = `${this.host.scheme}://${this.host.authority}`;
    for (let redirects = 0; ; redirects++) {
      const own = isSameOrigin(url, origin);
      const body = request.body?.();
      const response = await this.#http.request({
        method: request.method,
        url,
        headers: {
          ...request.headers,
          ...(own ? this.host.headers : {}),
          ...(own && authorization !== undefined ? { authorization } : {}),
        },
        ...(body === undefined ? {} : { body }),
        tls: own || url.hostname === hostnameOf(this.host) ? this.host.tls : plainTls,
        signal: call.signal,
      });
      const next = redirectOf(response, request.method);
      if (next === undefined) return response;
      if (redirects === maxRedirects) throw new EngineError("unavailable", `more than ${maxRedirects} redirects`);
      await discard(response);
      url = locate(next, url);
    }
  }

  #url({ target, query }: HostRequest): URL {
    const { scheme, authority, pathPrefix, mirrorOf } = this.host;
    const url =
      typeof target === "string" ? new URL(`${scheme}://${authority}${pathPrefix}${target}`) : new URL(target);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    if (mirrorOf !== undefined && typeof target === "string") url.searchParams.set("ns", mirrorOf);
    return url;
  }

  async #learn(call: Call, where: { host: string; step: string }, challenges: string[], sent: string | undefined) {
    try {
      return await this.#authorizer.learn(challenges, sent, call.signal);
    } catch (error) {
      throw connectionFailure(where, error);
    }
  }

  async #mayRepeat(
    call: Call,
    request: HostRequest,
    attempt: number,
    retryAfter: string | undefined,
  ): Promise<boolean> {
    if (attempt >= (request.maxAttempts ?? this.#retry.attempts)) return false;
    const delayMs = retryDelayMs(attempt, retryAfter, this.#retry);
    if (delayMs === undefined) return false;
    call.log.debug({ host: this.host.authority, step: request.step, attempt, delayMs }, "registry request is repeated");
    await waitMs(delayMs, call.signal);
    return true;
  }
}

/** Where an upload goes on; a registry behind a TLS proxy that says `http` of itself means its own scheme. */
export function uploadLocation(response: IncomingMessage, client: HostClient, step: string): URL {
  const { scheme, authority } = client.host;
  const location = response.headers.location;
  if (location === undefined) {
    throw new EngineError("unavailable", `registry ${authority}: ${step}: the answer has no location`);
  }
  const url = locate(location, new URL(`${scheme}://${authority}/`));
  if (scheme === "https" && url.protocol === "http:" && url.hostname === hostnameOf(client.host)) {
    return new URL(`https://${authority}${url.pathname}${url.search}`);
  }
  return url;
}

async function discard(response: IncomingMessage): Promise<void> {
  // Read to the end, so that the connection can be used again; a long body is not worth that.
  await readText(response, 65_536).catch(() => "");
}

function redirectOf(response: IncomingMessage, method: string): string | undefined {
  const follows = method === "GET" || method === "HEAD";
  return follows && [301, 302, 303, 307, 308].includes(response.statusCode ?? 0)
    ? response.headers.location
    : undefined;
}

function locate(location: string, base: URL): URL {
  const url = URL.parse(location, base.href);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new EngineError("unavailable", "redirected to what is no http(s) URL");
}

function isSameOrigin(url: URL, origin: string): boolean {
  return url.origin === new URL(origin).origin;
}

function hostnameOf({ authority }: RegistryHost): string {
  return new URL(`https://${authority}`).hostname;
}
