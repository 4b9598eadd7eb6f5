import type { TextFacts } from "../cluster/cluster-facts.ts";
import { excerptOf, sourceAt, textLineAt } from "../cluster/place.ts";
import type { Source } from "../host/source.ts";
import type { CheckInfo } from "./check.ts";
import type { Finding, Fix, Severity } from "./finding.ts";
import { nameOf } from "./workload-finding.ts";

export type LineMatch = { readonly line: number; readonly text: string; readonly match: RegExpExecArray };

/** Lines of `text` that `pattern` fits; comments left out. */
export function* matchLines(text: string, pattern: RegExp, comments = /^\s*(?:#|\/\/)/): Generator<LineMatch> {
  let line = 0;
  for (const one of text.split("\n")) {
    line++;
    if (one.length > 10_000 || comments.test(one)) continue;
    const match = pattern.exec(one);
    if (match !== null) yield { line, text: one, match };
  }
}

/** Evidence: a line of a text, in the file itself where the text is one. */
function textSource(text: TextFacts, line: number, excerpt: string): Source {
  const { place } = text;
  if (text.ref === undefined && place.t === "file") {
    return { t: "file", path: place.path, line, excerpt: excerptOf(excerpt) };
  }
  const source = sourceAt(place, text.field, excerpt);
  if (source.t === "api") return { ...source, excerpt: `line ${line}: ${source.excerpt ?? ""}` };
  if (source.t !== "file" || place.t !== "file" || place.lines.size === 0) return source;
  return { ...source, line: textLineAt(place, text.field, line) };
}

export type TextFound = {
  readonly matches: readonly { readonly line: number; readonly text: string }[];
  /** After the text's name: `parses logs as Docker's JSON`. */
  readonly says: string;
  readonly why: string;
  readonly fix: Fix;
  readonly severity?: Severity;
};

/** A finding about a text: an entry of a ConfigMap, or a file. */
export function textFinding(check: CheckInfo, text: TextFacts, found: TextFound): Finding {
  const { ref } = text;
  const name = ref === undefined ? `file ${text.name}` : `${nameOf(ref)}: ${text.name}`;
  return {
    check: check.id,
    severity: found.severity ?? check.severity,
    title: `${name}: ${found.says}`,
    why: found.why,
    subject: ref === undefined ? { t: "file", path: text.name } : { t: "object", ...ref },
    evidence: found.matches.slice(0, 10).map((one) => textSource(text, one.line, one.text.trim())),
    fix: found.fix,
  };
}
