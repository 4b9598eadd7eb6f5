import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { toRuntimeError } from "#core/tasks/to-runtime-error.ts";

/** What a shim could not start or change, in the words and kinds that a runtime without a shim has for it. */
export function toShimError(error: unknown, doing: string, command: string | undefined): unknown {
  if (!isKind(error, "unknown", "internal", "notFound", "invalidArgument")) return error;
  // Go's errors end in the kind's name where a status was made of them.
  const text = messageOf(error).replace(/: unknown$/, "");
  return toRuntimeError(text, doing, command);
}

/** A signal or a question that came too late. */
export function isGone(error: unknown): boolean {
  return (
    isKind(error, "notFound", "unavailable") ||
    (error instanceof EngineError &&
      /process already finished|not running|no such process|cgroup deleted/i.test(error.message))
  );
}
