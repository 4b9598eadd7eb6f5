import type { Brand } from "#base/brand.ts";
import { EngineError } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";

/** Tenant of the API (`default`, `k8s.io`, `moby`). A kernel namespace is a `linuxNamespace`. */
export type Namespace = Brand<string, "Namespace">;
export type LeaseId = Brand<string, "LeaseId">;

/** First argument of every function that does I/O: who asks, until when, where its log lines go. */
export type Call = {
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly namespace: Namespace;
  /** Lease that keeps what this call makes from garbage collection until it is named. */
  readonly leaseId?: LeaseId;
};

/** @throws invalidArgument when `text` is no containerd namespace: letters, digits, inner `-_.`, at most 76 long. */
export function parseNamespace(text: string): Namespace {
  if (text.length <= 76 && /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(text)) return text as Namespace;
  throw new EngineError("invalidArgument", `namespace ${JSON.stringify(text)}: letters, digits and inner ".-_" only`);
}

/**
 * `call` with a signal of its own that ignores the caller's, for roll-back and delete: half-undone is worse than late.
 * Ends after `timeoutMs`.
 */
export function detachedCall(call: Call, timeoutMs = 30_000): Call {
  return { ...call, signal: AbortSignal.timeout(timeoutMs) };
}
