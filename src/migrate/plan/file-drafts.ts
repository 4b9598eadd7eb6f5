import { createHash } from "node:crypto";
import type { FileChange } from "./step.ts";

type Draft = { readonly before: string | undefined; after: string | null; mode: number | undefined; why: string[] };

/** Changes to files in the making: several edits of one file become one change. */
export class FileDrafts {
  readonly #drafts = new Map<string, Draft>();

  /**
   * Edits a file whose text is `before`, or makes one where that is undefined. `edit` gets what earlier edits left, and
   * answers the new text.
   */
  edit(path: string, before: string | undefined, edit: (text: string) => string, why: string, mode?: number): void {
    const draft = this.#drafts.get(path) ?? { before, after: before ?? null, mode, why: [] };
    const text = draft.after ?? "";
    const after = edit(text);
    if (after === text && draft.after !== null) return;
    draft.after = after;
    if (!draft.why.includes(why)) draft.why.push(why);
    this.#drafts.set(path, draft);
  }

  /** Text of a file as the edits so far leave it; undefined where none touched it. */
  textOf(path: string): string | undefined {
    return this.#drafts.get(path)?.after ?? undefined;
  }

  /** What really changes, by path. */
  changes(): FileChange[] {
    return [...this.#drafts]
      .filter(([, { before, after }]) => after !== (before ?? null))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, draft]) => changeOf(path, draft));
  }
}

function changeOf(path: string, { before, after, mode, why }: Draft): FileChange {
  const common = { path, content: after, why: why.join("; ") };
  if (before === undefined) return { ...common, mode: mode ?? 0o644, expectSha256: null };
  return { ...common, expectSha256: sha256(before) };
}

/** Hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
