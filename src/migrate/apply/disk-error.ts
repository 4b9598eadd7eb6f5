import { EngineError, errnoOf } from "#base/errors.ts";

/** A full disk, said of `what` lies on it and with the way out; any other error as it is. */
export function toDiskError(what: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new EngineError("resourceExhausted", `${what}: no space left on its disk: make room there`, { cause: error });
}
