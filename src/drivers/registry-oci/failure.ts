import type { IncomingMessage } from "node:http";
import { EngineError, errnoOf, messageOf, type ErrorKind } from "#base/errors.ts";
import { readText } from "./retry.ts";

/** Who was asked for what: `registry <host>: <step>: …`. */
export type Where = { readonly host: string; readonly step: string };

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  400: "invalidArgument",
  401: "unauthenticated",
  403: "permissionDenied",
  404: "notFound",
  405: "notImplemented",
  408: "unavailable",
  413: "resourceExhausted",
  416: "outOfRange",
  429: "unavailable",
};

const wordsOfStatus: Readonly<Record<number, string>> = {
  401: "unauthorized",
  403: "access denied",
  404: "not found",
  429: "too many requests",
};

const wordsOfErrno: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "name lookup failed",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  EPROTO: "server does not speak TLS as expected",
  CERT_HAS_EXPIRED: "certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another host name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate signed by unknown authority",
};

/** The error for an answer with a status that was not hoped for; reads its body. `anonymous`: no credentials were found. */
export async function statusFailure(
  { host, step }: Where,
  response: IncomingMessage,
  anonymous = false,
): Promise<EngineError> {
  const status = response.statusCode ?? 0;
  const said = detailOf(await readText(response, 16_384).catch(() => ""));
  // Registries do not tell strangers what they have. Docker's words.
  const denied = (status === 401 || status === 403) && anonymous;
  const words = `${denied ? "repository does not exist or may require a login: " : ""}${wordsOfStatus[status] ?? `status ${status}`}`;
  const retryAfter = response.headers["retry-after"];
  const later = retryAfter === undefined ? "" : ` (retry after ${retryAfter.slice(0, 40)})`;
  const kind = kindOfStatus[status] ?? (status >= 500 ? "unavailable" : "unknown");
  return new EngineError(kind, `registry ${host}: ${step}: ${words}${said === "" ? "" : `: ${said}`}${later}`);
}

/** `error` with host and step, unless it says them already or is the caller's own abort. */
export function connectionFailure({ host, step }: Where, error: unknown): Error {
  if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError")) return error;
  if (error instanceof EngineError && error.message.startsWith("registry ")) return error;
  const errno = errnoOf(error) ?? "";
  const words = wordsOfErrno[errno] ?? (error instanceof EngineError ? error.message : messageOf(error));
  const kind = error instanceof EngineError ? error.kind : "unavailable";
  return new EngineError(kind, `registry ${host}: ${step}: ${words}`, { cause: error });
}

/** What the registry's own error document says. Source: distribution spec, error codes. */
function detailOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    const texts = errorTexts(parsed).map((text) => text.replace(/[\r\n]+/g, " ").slice(0, 300));
    return texts.join("; ").slice(0, 600);
  } catch {
    return "";
  }
}

function errorTexts(document: unknown): string[] {
  if (typeof document !== "object" || document === null) return [];
  if ("errors" in document && Array.isArray(document.errors)) return document.errors.slice(0, 4).flatMap(errorTexts);
  if ("message" in document && typeof document.message === "string" && document.message !== "")
    return [document.message];
  if ("details" in document && typeof document.details === "string") return [document.details];
  if ("code" in document && typeof document.code === "string") return [document.code.toLowerCase()];
  return [];
}
