import { EngineError, type ErrorKind } from "#base/errors.ts";

/** An API server that refuses, or that cannot be reached. */
export class KubernetesError extends EngineError {}

/** An API server's refusal, as its `Status` object says it. */
export class KubernetesApiError extends KubernetesError {
  readonly status: number;
  /** `NotFound`, `Forbidden`, `TooManyRequests`, `Expired`, …; empty where the server sent none. */
  readonly reason: string;
  /** When the server wants to be asked again. */
  readonly retryAfterMs: number | undefined;
  /** The whole `Status` object: its `details.causes` name the budget that refuses an eviction. */
  readonly body: unknown;

  constructor(
    request: string,
    answer: { status: number; body: unknown; text?: string; retryAfterMs?: number | undefined },
  ) {
    const { message, reason } = statusOf(answer.body);
    const said = message === "" ? (answer.text ?? "").trim().slice(0, 200) : message;
    super(
      kinds[answer.status] ?? (answer.status >= 500 ? "unavailable" : "invalidArgument"),
      `${request}: ${said === "" ? `status ${answer.status}` : said}`,
    );
    this.name = "KubernetesApiError";
    this.status = answer.status;
    this.reason = reason;
    this.retryAfterMs = answer.retryAfterMs;
    this.body = answer.body;
  }
}

const kinds: Readonly<Record<number, ErrorKind>> = {
  401: "unauthenticated",
  403: "permissionDenied",
  404: "notFound",
  409: "conflict",
  410: "outOfRange",
  422: "invalidArgument",
  429: "resourceExhausted",
  504: "deadlineExceeded",
};

function statusOf(body: unknown): { message: string; reason: string } {
  const text = (key: string) => {
    const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, key) : undefined;
    return typeof value === "string" ? value : "";
  };
  return { message: text("message"), reason: text("reason") };
}
