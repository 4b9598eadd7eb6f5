import { EngineError, isKind, messageOf } from "#base/errors.ts";

export type StartFailure = { readonly exitCode: 126 | 127 | 128; readonly error: EngineError };

/**
 * Why a process did not start, with the exit code that shells and Docker give it: 127 when the command is not there,
 * 126 when it cannot be executed, 128 for the rest.
 *
 * Docker's clients read the code out of the text, so the text says it in their words.
 */
export function toStartFailure(error: unknown): StartFailure {
  const text = messageOf(error);
  const lower = text.toLowerCase();
  if (/permission denied|is a directory/.test(lower) || isKind(error, "permissionDenied")) {
    return { exitCode: 126, error: invalid(text, "permission denied", error) };
  }
  if (/executable file .*not found|no such file or directory|not a directory/.test(lower)) {
    return { exitCode: 127, error: invalid(text, "no such file or directory", error) };
  }
  return {
    exitCode: 128,
    error: error instanceof EngineError ? error : new EngineError("unknown", text, { cause: error }),
  };
}

function invalid(text: string, words: string, cause: unknown): EngineError {
  const complete = text.includes(words) ? text : `${text}: ${words}`;
  return new EngineError("invalidArgument", `failed to create task for container: ${complete}`, { cause });
}
