import { EngineError, errnoOf } from "#base/errors.ts";

/** Primary result codes. Source: https://www.sqlite.org/rescode.html */
const full = 13;
const busy = 5;
const corrupt = 11;
const notADatabase = 26;
const ioError = 10;
const readOnly = 8;
const cannotOpen = 14;

/** What a SQLite error means to the one who has to act; anything else comes back as it is. */
export function toEngineError(path: string, error: unknown): unknown {
  const code = resultCodeOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const because = { cause: error };
  switch (code & 0xff) {
    case full:
      return new EngineError("resourceExhausted", `database ${path}: no space left on its disk`, because);
    case corrupt:
    case notADatabase:
      return new EngineError(
        "dataLoss",
        `database ${path}: damaged (${error.message}); stop ferryd, then restore a copy, or move ${path} and ${path}-wal away to begin empty`,
        because,
      );
    case busy:
      return new EngineError("unavailable", `database ${path}: another process holds it`, because);
    case readOnly:
    case cannotOpen:
      return new EngineError("permissionDenied", `database ${path}: ${error.message}`, because);
    case ioError:
      return new EngineError("internal", `database ${path}: disk i/o error (code ${code})`, because);
    default:
      return error;
  }
}

function resultCodeOf(error: unknown): number | undefined {
  if (errnoOf(error) !== "ERR_SQLITE_ERROR" || !(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}
