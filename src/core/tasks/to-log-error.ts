import { EngineError, errnoOf } from "#base/errors.ts";

/** What kept a log from being opened, by its kind; anything else as it is. Pure. */
export function toLogError(cause: unknown, path: string): unknown {
  const errno = errnoOf(cause);
  if (errno === "ENOENT" || errno === "ENOTDIR")
    return new EngineError("notFound", `log ${path}: its directory is not there`, { cause });
  if (errno === "ENOSPC" || errno === "EDQUOT")
    return new EngineError("resourceExhausted", `log ${path}: no space left on the disk`, { cause });
  if (errno === "ENAMETOOLONG")
    return new EngineError("invalidArgument", `log ${path}: longer than a path may be`, { cause });
  return cause;
}
