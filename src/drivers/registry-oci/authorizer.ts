import { SingleFlight } from "#base/single-flight.ts";
import type { RegistryAuth } from "#core/registry/registry.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import type { HttpClient } from "./http-client.ts";
import { basicHeader } from "./identity.ts";
import type { RetrySettings } from "./registry-config.ts";
import type { RegistryHost } from "./registry-hosts.ts";
import { fetchToken, type Token } from "./token.ts";

export type CredentialSource = (signal: AbortSignal) => Promise<RegistryAuth | undefined>;

/** Credentials and tokens for one registry host and one identity; remembers how the host wants to be spoken to. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #source: CredentialSource;
  readonly #retry: RetrySettings;
  readonly #tokens = new Map<string, Token>();
  readonly #fetches = new SingleFlight<Token>();
  #challenge: Challenge | undefined;
  #auth: RegistryAuth | undefined;
  #looked = false;

  constructor(http: HttpClient, source: CredentialSource, retry: RetrySettings) {
    this.#http = http;
    this.#source = source;
    this.#retry = retry;
  }

  /** The header for a request that needs `scopes`, as far as it is known without a challenge. */
  async header(host: RegistryHost, scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    const auth = await this.#credentials(signal);
    if (auth?.t === "bearer") return `Bearer ${auth.token}`;
    if (this.#challenge.scheme === "basic") return auth?.t === "basic" ? basicHeader(auth) : undefined;
    return `Bearer ${(await this.#token(host, scopes, signal)).token}`;
  }

  /**
   * Learns from a 401. Whether it is worth to ask again: not when what was sent had no chance to be better.
   * `sent` is the header that was refused.
   */
  async learn(headers: readonly string[], sent: string | undefined, signal: AbortSignal): Promise<boolean> {
    const challenges = parseChallenges(headers);
    const bearer = challenges.find(
      ({ scheme, parameters }) => scheme === "bearer" && parameters["realm"] !== undefined,
    );
    const basic = challenges.find(({ scheme }) => scheme === "basic");
    this.#challenge = bearer ?? basic;
    if (this.#challenge === undefined) return false;
    if (sent === undefined) return bearer !== undefined || (await this.#credentials(signal)) !== undefined;
    // A token may have ended early, and a helper may give another password now; the same one again is no use.
    this.forget();
    const again = await this.#credentials(signal);
    if (bearer !== undefined) return sent.startsWith("Bearer ") && again?.t !== "bearer";
    return again?.t === "basic" && basicHeader(again) !== sent;
  }

  /** Whether no credentials were found when they were asked for. */
  get isAnonymous(): boolean {
    return this.#looked && this.#auth === undefined;
  }

  /** Forgets credentials, so that a later operation sees a changed configuration. */
  forget(): void {
    this.#looked = false;
    this.#auth = undefined;
    this.#tokens.clear();
  }

  /** A token and, where the service gives one, a refresh token. */
  async login(host: RegistryHost, signal: AbortSignal): Promise<{ identityToken?: string }> {
    if (this.#challenge?.scheme !== "bearer") return {};
    const { refreshToken } = await this.#fetch(host, [], signal, true);
    return refreshToken === undefined ? {} : { identityToken: refreshToken };
  }

  async #credentials(signal: AbortSignal): Promise<RegistryAuth | undefined> {
    if (this.#looked) return this.#auth;
    this.#auth = await this.#source(signal);
    this.#looked = true;
    return this.#auth;
  }

  async #token(host: RegistryHost, scopes: readonly string[], signal: AbortSignal): Promise<Token> {
    const key = scopeKey(scopes);
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expiresAtMs > Date.now()) return known;
    const fresh = await this.#fetches.run(key, signal, (shared) => this.#fetch(host, scopes, shared));
    for (const [scope, token] of this.#tokens) if (token.expiresAtMs <= Date.now()) this.#tokens.delete(scope);
    this.#tokens.set(key, fresh);
    return fresh;
  }

  async #fetch(host: RegistryHost, scopes: readonly string[], signal: AbortSignal, offline = false): Promise<Token> {
    const { realm = "", service = "", scope = "" } = this.#challenge?.parameters ?? {};
    const wanted = scopes.length > 0 || offline ? scopes : scope.split(" ").filter((part) => part !== "");
    const request = {
      registry: host.authority,
      realm,
      service,
      scopes: wanted,
      auth: await this.#credentials(signal),
      plainHttp: host.scheme === "http",
      offline,
      tls: host.tls,
      signal,
    };
    try {
      return await fetchToken(this.#http, request, this.#retry);
    } catch (error) {
      this.forget();
      throw error;
    }
  }
}

function scopeKey(scopes: readonly string[]): string {
  return [...scopes].sort().join(" ");
}
