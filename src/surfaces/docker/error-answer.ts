import { EngineError, errorKinds, kindOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";

/** Status and text of an error; the one place where this surface turns one into the other. */
export type ErrorAnswer = { readonly status: number; readonly message: string };

/**
 * An error as Docker tells it.
 *
 * What is no `EngineError` is a mistake of ours: it goes to the log with its stack, the client learns only that there was one.
 */
export function toErrorAnswer(error: unknown, log: Logger): ErrorAnswer {
  const kind = kindOf(error);
  if (kind === "canceled" && !(error instanceof EngineError)) return { status: 500, message: "context canceled" };
  if (findEngineError(error) === undefined) {
    log.error(
      { kind, error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      "request failed",
    );
    return { status: 500, message: "internal error: see the log of ferryd" };
  }
  return { status: errorKinds[kind].http, message: textOf(error) };
}

/** The message of an error for people, in Docker's words where clients look for them. */
export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^no such (container|image)/, "No such $1");
}

function findEngineError(error: unknown): EngineError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 16; at = at.cause, depth++) {
    if (at instanceof EngineError) return at;
  }
  return undefined;
}
