/** What went wrong, as one word; the value holds the code each surface answers with. */
export const errorKinds = {
  invalidArgument: { grpc: 3, http: 400 },
  notFound: { grpc: 5, http: 404 },
  alreadyExists: { grpc: 6, http: 409 },
  conflict: { grpc: 9, http: 409 },
  failedPrecondition: { grpc: 9, http: 400 },
  notModified: { grpc: 9, http: 304 },
  aborted: { grpc: 10, http: 500 },
  canceled: { grpc: 1, http: 500 },
  deadlineExceeded: { grpc: 4, http: 500 },
  permissionDenied: { grpc: 7, http: 403 },
  unauthenticated: { grpc: 16, http: 401 },
  unavailable: { grpc: 14, http: 503 },
  notImplemented: { grpc: 12, http: 501 },
  outOfRange: { grpc: 11, http: 400 },
  resourceExhausted: { grpc: 8, http: 500 },
  dataLoss: { grpc: 15, http: 500 },
  internal: { grpc: 13, http: 500 },
  unknown: { grpc: 2, http: 500 },
} as const;

export type ErrorKind = keyof typeof errorKinds;

/**
 * The one error that crosses a layer. Text is lower case, without a period, object first:
 * `container 3f2a: not running (exited 137)`.
 *
 * Credentials in URLs and authorization headers are removed from the text here, so no caller has to remember.
 */
export class EngineError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(redact(message), options);
    this.name = "EngineError";
    this.kind = kind;
  }
}

/**
 * Kind of the outermost `EngineError` in the `cause` chain; `canceled` for an abort, `internal` for anything else. Of an error
 * behind which disposal failed too, the kind of the first.
 */
export function kindOf(error: unknown): ErrorKind {
  for (let at = firstOf(error), depth = 0; at instanceof Error && depth < 16; at = at.cause, depth++) {
    if (at instanceof EngineError) return at.kind;
    if (at.name === "AbortError") return "canceled";
    if (at.name === "TimeoutError") return "deadlineExceeded";
  }
  return "internal";
}

/** Whether `error` is of one of `kinds`, seen as {@link kindOf} does. */
export function isKind(error: unknown, ...kinds: ErrorKind[]): boolean {
  return error instanceof Error && kinds.includes(kindOf(error));
}

/** The `code` of a Node system error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** For what may not be there: undefined when a file does not exist. @throws any other error */
export function ignoreMissing(error: unknown): undefined {
  if (errnoOf(error) === "ENOENT") return undefined;
  throw error;
}

/** A text for people from anything that was thrown; of an error behind which disposal failed too, the first one's. */
export function messageOf(error: unknown): string {
  const first = firstOf(error);
  return first instanceof Error ? first.message : String(first);
}

/** What went wrong first: `using` hides it behind what then went wrong in disposing. */
function firstOf(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}

/**
 * `text` with URL passwords and the values of authorization headers replaced by `***`; also of `user:password@host`
 * without a scheme, which `name:tag@sha256:…` is not.
 */
export function redact(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, "$1***@")
    .replace(/(^|[\s"'=(])[^\s"'/@:=(]+:[^\s"'/@]+@(?!sha\d+:)/g, "$1***@")
    .replace(/\b(basic|bearer)\s+[a-z0-9+/=._~-]{8,}/gi, "$1 ***");
}
