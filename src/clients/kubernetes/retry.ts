import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "#base/errors.ts";
import { KubernetesApiError } from "./api-error.ts";

/** `read`: whatever may pass, five times. `asked`: only where the server says when to come back. `never`: not at all. */
export type RetryPolicy = "read" | "asked" | "never";

const maxAttempts = 5;
const passing = new Set([429, 500, 502, 503, 504]);

/** Whether a request that failed with `error` is sent again after `attempt` (from 0) tries. */
export const retryPolicies: Readonly<Record<RetryPolicy, (error: unknown, attempt: number) => boolean>> = {
  read(error, attempt) {
    if (attempt + 1 >= maxAttempts) return false;
    if (error instanceof KubernetesApiError) return passing.has(error.status);
    return isKind(error, "unavailable") && attempt + 1 < 3;
  },
  asked: (error, attempt) =>
    attempt + 1 < maxAttempts && error instanceof KubernetesApiError && error.retryAfterMs !== undefined,
  never: () => false,
};

/** Waits as the server asked, at most 30 s; otherwise 100 ms, 200 ms, 400 ms…, each up to a half longer by chance. */
export async function awaitRetry(signal: AbortSignal, error: unknown, attempt: number): Promise<void> {
  const asked = error instanceof KubernetesApiError ? error.retryAfterMs : undefined;
  const own = 100 * 2 ** attempt * (1 + Math.random() / 2);
  await sleep(Math.min(asked ?? own, 30_000), undefined, { signal });
}
