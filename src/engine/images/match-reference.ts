import { matchesGlob } from "node:path";

/**
 * Whether a familiar name (`nginx:1.25`, `quay.io/x/y@sha256:…`) fits one of `patterns`: its repository or the whole.
 * Source: distribution/reference, `FamiliarMatch`.
 */
export function matchesAnyReference(name: string, patterns: readonly string[]): boolean {
  const repository = name.includes("@") ? (name.split("@")[0] ?? "") : name.replace(/:[^:/]*$/, "");
  return patterns.some((pattern) => matchesGlob(name, pattern) || matchesGlob(repository, pattern));
}
