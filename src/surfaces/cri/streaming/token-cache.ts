import { randomBytes } from "node:crypto";
import { EngineError } from "#base/errors.ts";

export type TokenCacheOptions = {
  /** A token that was not used for so long is void. */
  readonly ttlMs: number;
  /** Most that wait at a time. */
  readonly maxTokens: number;
  /** Milliseconds that only ever grow. */
  readonly now?: () => number;
};

/** Values that wait to be asked for once, each by a random name that cannot be guessed. */
export class TokenCache<T> {
  /** In the order they expire. */
  readonly #entries = new Map<string, { readonly value: T; readonly expiresAtMs: number }>();
  readonly #options: TokenCacheOptions;
  readonly #now: () => number;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws resourceExhausted when as many wait as may */
  add(value: T): string {
    this.#dropExpired();
    if (this.#entries.size >= this.#options.maxTokens) {
      throw new EngineError("resourceExhausted", "maximum number of in-flight requests exceeded");
    }
    const token = randomBytes(16).toString("base64url");
    this.#entries.set(token, { value, expiresAtMs: this.#now() + this.#options.ttlMs });
    return token;
  }

  /** The value, which is gone then; undefined when the token is unknown, used or expired. */
  take(token: string): T | undefined {
    this.#dropExpired();
    const entry = this.#entries.get(token);
    this.#entries.delete(token);
    return entry?.value;
  }

  #dropExpired(): void {
    const now = this.#now();
    for (const [token, { expiresAtMs }] of this.#entries) {
      if (expiresAtMs > now) return;
      this.#entries.delete(token);
    }
  }
}
