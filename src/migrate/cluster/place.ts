import { redact } from "#base/errors.ts";
import type { Source } from "../host/source.ts";
import { blockPath } from "./field.ts";

/** Where an object was read. */
export type Place =
  | { readonly t: "api"; readonly path: string }
  | {
      readonly t: "file";
      readonly path: string;
      /** Of every field, by its path from the document's root; from 1. */
      readonly lines: ReadonlyMap<string, number>;
      /** Of the object within its document: `.items[3]`; empty for the document itself. */
      readonly prefix: string;
      /** Of the object's first line. */
      readonly line: number;
    };

/** Evidence: a field of an object that was read at `place`. */
export function sourceAt(place: Place, field: string, text?: string): Source {
  const excerpt = text === undefined ? {} : { excerpt: excerptOf(text) };
  if (place.t === "api") return { t: "api", path: place.path, ...(field === "" ? {} : { field }), ...excerpt };
  // A file too large for its lines is known by its name alone.
  const line = place.lines.size === 0 ? {} : { line: lineOf(place, field) };
  return { t: "file", path: place.path, ...line, ...excerpt };
}

/** The line of a file in which line `at` (from 1) of a field's text stands; that of the field where it is not a block. */
export function textLineAt(place: Extract<Place, { t: "file" }>, field: string, at: number): number {
  const block = place.lines.get(blockPath(`${place.prefix}${field}`));
  return block === undefined ? lineOf(place, field) : block + at;
}

const maxExcerpt = 200;
const secrets =
  /((?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|auth)["']?\s*[:=]\s*)(?!(?:true|false|null)\b)["']?[^\s"',]{4,}["']?/gi;

/** `text` in one line, cut, and free of what looks like a credential. */
export function excerptOf(text: string): string {
  const line = redact(text.replace(/\s+/g, " ").trim()).replace(secrets, "$1***");
  return line.length <= maxExcerpt ? line : `${line.slice(0, maxExcerpt - 1)}…`;
}

/** Of the field, or of the nearest one around it that has a line of its own. */
function lineOf({ lines, prefix, line }: Extract<Place, { t: "file" }>, field: string): number {
  for (let path = `${prefix}${field}`; path !== ""; path = path.replace(/(?:\.[^.[\]]*|\[[^[\]]*\])$/, "")) {
    const found = lines.get(path);
    if (found !== undefined) return found;
    if (!/(?:\.[^.[\]]*|\[[^[\]]*\])$/.test(path)) break;
  }
  return line;
}
