import { errnoOf } from "#base/errors.ts";

const words: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "is on a filesystem that is only read",
  ENOSPC: "no space left on its filesystem",
};

/** What a file's own error says: `plan.json: no such file or directory`. Undefined for any other error. */
export function fileProblem(error: unknown): string | undefined {
  const why = words[errnoOf(error) ?? ""];
  const path: unknown = error instanceof Error ? Reflect.get(error, "path") : undefined;
  return why === undefined || typeof path !== "string" ? undefined : `${path}: ${why}`;
}

/** Whether somebody else, root mostly, may do what this error says may not be done. */
export function isDenied(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 16; at = at.cause, depth++) {
    if (["EACCES", "EPERM"].includes(errnoOf(at) ?? "")) return true;
  }
  return false;
}
