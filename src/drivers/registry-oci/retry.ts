import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "#base/errors.ts";
import type { RetrySettings } from "./registry-config.ts";

const retriedStatuses = new Set([408, 429, 500, 502, 503, 504]);
const retriedErrnos = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ECONNABORTED", "ENETUNREACH"]);

export function isRetriedStatus(status: number): boolean {
  return retriedStatuses.has(status);
}

/** Whether a failure to get an answer may be over at the next try; a refused connection or an unknown name is not. */
export function isRetriedFailure(error: unknown): boolean {
  return retriedErrnos.has(errnoOf(error) ?? "");
}

/** How long to wait before attempt `attempt` + 1 (from 1); undefined: not at all, the registry asks for too long. */
export function retryDelayMs(
  attempt: number,
  retryAfter: string | undefined,
  settings: RetrySettings,
): number | undefined {
  const asked = parseRetryAfter(retryAfter, Date.now());
  if (asked !== undefined) return asked > settings.maxRetryAfterMs ? undefined : asked;
  const full = Math.min(settings.maxDelayMs, settings.baseDelayMs * 2 ** (attempt - 1));
  // Jitter, so that the nodes of a cluster do not come back all at once.
  return full / 2 + Math.random() * (full / 2);
}

/** Milliseconds from `Retry-After`: seconds or an HTTP date. Source: RFC 9110, 10.2.3. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

export async function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}

/** At most `maxBytes` of a response's body as text; the rest is thrown away and the connection with it. */
export async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  return (await readBytes(response, maxBytes)).bytes.toString("utf8");
}

/** At most `maxBytes` of a response's body; `whole` is false when there was more. */
export async function readBytes(
  response: IncomingMessage,
  maxBytes: number,
): Promise<{ bytes: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), whole: false };
  }
  return { bytes: Buffer.concat(chunks), whole: true };
}
