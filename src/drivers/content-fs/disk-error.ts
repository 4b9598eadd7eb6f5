import { EngineError, errnoOf, type ErrorKind } from "#base/errors.ts";

/** What a failed file operation of the content store means to the one who has to act; the rest comes back as it is. */
export function toDiskError(root: string, error: unknown): unknown {
  if (error instanceof EngineError) return error;
  const meaning = meanings[errnoOf(error) ?? ""];
  if (meaning === undefined) return error;
  return new EngineError(meaning.kind, `content store ${root}: ${meaning.text}`, { cause: error });
}

const meanings: Readonly<Record<string, { kind: ErrorKind; text: string }>> = {
  ENOSPC: { kind: "resourceExhausted", text: "no space left on its disk" },
  EDQUOT: { kind: "resourceExhausted", text: "disk quota exceeded" },
  EROFS: { kind: "failedPrecondition", text: "its file system is read-only" },
  EIO: { kind: "dataLoss", text: "disk i/o error" },
};
