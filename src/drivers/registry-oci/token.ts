import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { RegistryAuth } from "#core/registry/registry.ts";
import { connectionFailure, statusFailure } from "./failure.ts";
import type { HostTls, HttpClient } from "./http-client.ts";
import { basicHeader } from "./identity.ts";
import { isLoopback } from "./proxy.ts";
import type { RetrySettings } from "./registry-config.ts";
import { isRetriedFailure, isRetriedStatus, readBytes, retryDelayMs, waitMs } from "./retry.ts";

export type TokenRequest = {
  /** Host of the registry, for errors. */
  readonly registry: string;
  readonly realm: string;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly auth: RegistryAuth | undefined;
  /** The registry itself speaks plain HTTP. */
  readonly plainHttp: boolean;
  /** Ask for a refresh token too, as a login does. */
  readonly offline?: boolean;
  readonly tls: HostTls;
  readonly signal: AbortSignal;
};

export type Token = { readonly token: string; readonly expiresAtMs: number; readonly refreshToken?: string };

const clientId = "ferry";
const maxTokenBytes = 1024 * 1024;
/** Source: distribution's token specification: without `expires_in` a token is good for 60 seconds. */
const defaultLifeSeconds = 60;

/**
 * Gets a token from the service that a Bearer challenge names: by GET with Basic authorization or none, by POST with a
 * refresh token. Source: distribution, docs/spec/auth/{token,oauth}.md.
 *
 * @throws unauthenticated @throws permissionDenied @throws unavailable
 */
export async function fetchToken(http: HttpClient, request: TokenRequest, retry: RetrySettings): Promise<Token> {
  const realm = realmUrl(request);
  const where = { host: request.registry, step: `token from ${realm.host} for ${request.scopes.join(" ") || "login"}` };
  for (let attempt = 1; ; attempt++) {
    const { response, failure } = await ask(http, request, realm);
    if (response?.statusCode === 200) return decodeToken((await readBytes(response, maxTokenBytes)).bytes);
    const again = response === undefined ? isRetriedFailure(failure) : isRetriedStatus(response.statusCode ?? 0);
    const delayMs = retryDelayMs(attempt, response?.headers["retry-after"], retry);
    const error = response === undefined ? connectionFailure(where, failure) : await statusFailure(where, response);
    if (!again || delayMs === undefined || attempt >= retry.attempts) throw error;
    await waitMs(delayMs, request.signal);
  }
}

async function ask(http: HttpClient, request: TokenRequest, realm: URL) {
  const byPost = request.auth?.t === "identity";
  const form = formOf(request);
  const url = new URL(realm);
  if (!byPost) for (const [name, value] of form) url.searchParams.append(name, value);
  try {
    const response = await http.request({
      method: byPost ? "POST" : "GET",
      url,
      headers: {
        accept: "application/json",
        ...(byPost ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        ...(request.auth?.t === "basic" ? { authorization: basicHeader(request.auth) } : {}),
      },
      ...(byPost ? { body: Buffer.from(form.toString()) } : {}),
      tls: request.tls,
      signal: request.signal,
    });
    return { response };
  } catch (failure) {
    request.signal.throwIfAborted();
    return { failure };
  }
}

function realmUrl({ registry, realm, plainHttp, auth }: TokenRequest): URL {
  const url = URL.parse(realm);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new EngineError("unauthenticated", `registry ${registry}: its token service is no http(s) URL`);
  }
  if (url.protocol === "http:" && auth !== undefined && !plainHttp && !isLoopback(url.hostname)) {
    throw new EngineError("unauthenticated", `registry ${registry}: its token service ${url.host} speaks plain HTTP`);
  }
  return url;
}

function formOf({ service, scopes, auth, offline }: TokenRequest): URLSearchParams {
  const form = new URLSearchParams();
  if (service !== "") form.set("service", service);
  if (auth?.t === "identity") {
    form.set("grant_type", "refresh_token");
    form.set("client_id", clientId);
    form.set("refresh_token", auth.token);
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    return form;
  }
  for (const scope of scopes) form.append("scope", scope);
  if (auth?.t === "basic") form.set("account", auth.username);
  if (offline === true) {
    form.set("offline_token", "true");
    form.set("client_id", clientId);
  }
  return form;
}

function decodeToken(bytes: Uint8Array): Token {
  const json = JsonReader.parse(bytes, "token", maxTokenBytes);
  const token = json.at("token").optionalString() || json.at("access_token").optionalString();
  if (!token || /[\r\n]/.test(token)) return json.at("token").fail("is empty");
  const lifeSeconds = Math.max(json.at("expires_in").optionalNumber() ?? 0, defaultLifeSeconds);
  const refreshToken = json.at("refresh_token").optionalString();
  // A tenth less, so that a token does not end on its way.
  return { token, expiresAtMs: Date.now() + lifeSeconds * 900, ...(refreshToken ? { refreshToken } : {}) };
}
