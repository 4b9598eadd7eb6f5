import { flagsIn, type Flag, type FlagRegion } from "../host/command-line.ts";
import { splitWords, type Span, type Word } from "../host/split-words.ts";

/** What one flag is to become; `value` null takes it away, wherever it stands. */
export type FlagEdit = { readonly name: string; readonly value: string | null };

/** A replacement of a part of a text. */
export type Splice = Span & { readonly text: string };

/**
 * Edits flags within one region of `text` and leaves every other byte as it is: other flags, their order, quotes,
 * continuation lines, comments.
 *
 * A flag that is there gets its value where it stands, in the form it has (`--a=b` or `--a b`); of one given twice the
 * last stays. One that is not there is added behind the last word, unless it is in `elsewhere`; without `elsewhere` nothing
 * is added: of several regions one is the right place.
 */
export function editFlags(
  text: string,
  region: FlagRegion,
  edits: readonly FlagEdit[],
  elsewhere?: ReadonlySet<string>,
): string {
  const words = splitWords(text, region);
  const flags = flagsIn(text, region);
  const splices: Splice[] = [];
  const added: string[] = [];
  const removed: Flag[] = [];
  for (const { name, value } of edits) {
    const found = flags.filter((flag) => flag.name === name);
    const kept = value === null ? undefined : found.pop();
    removed.push(...found);
    if (value === null) continue;
    if (kept === undefined) {
      if (elsewhere?.has(name) === false) added.push(`--${name}=${value}`);
    } else if (kept.value !== value) splices.push(replacement(text, kept, value));
  }
  const isRemoved = (word: Word) => removed.some((flag) => word.start >= flag.start && word.end <= flag.end);
  splices.push(...removals(text, region, words, isRemoved));
  const rest = words.filter((word) => !isRemoved(word));
  splices.push(...additions(text, region, { words, isEmpty: rest.length === 0 }, added));
  return applySplices(text, splices);
}

/** Applies replacements that do not overlap. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  let result = text;
  for (const { start, end, text: replacement } of [...splices].sort((a, b) => b.start - a.start || b.end - a.end)) {
    result = result.slice(0, start) + replacement + result.slice(end);
  }
  return result;
}

/** A run of words goes with the blank before it, the first one of a value with the blank behind it. */
function removals(text: string, region: FlagRegion, words: readonly Word[], isRemoved: (word: Word) => boolean) {
  const splices: Splice[] = [];
  for (let at = 0; at < words.length; at++) {
    const first = words[at];
    if (first === undefined || !isRemoved(first)) continue;
    const before = words[at - 1]?.end ?? region.start;
    while (words[at + 1] !== undefined && isRemoved(words[at + 1] ?? first)) at++;
    const end = words[at]?.end ?? first.end;
    // A comment between continued lines stays.
    const takesBefore =
      (before > region.start || region.style === "exec-start") && !text.slice(before, first.start).includes("#");
    if (takesBefore) splices.push({ start: before, end, text: "" });
    else splices.push({ start: first.start, end: words[at + 1]?.start ?? end, text: "" });
  }
  return splices;
}

function replacement(text: string, flag: Flag, value: string): Splice {
  const raw = text.slice(flag.start, flag.end);
  const head = /^(["']?)--[\w.-]+(?:=|\s+(?:\\\r?\n\s*)?)?/.exec(raw);
  const separated = head !== null && /[=\s]$/.test(head[0]);
  const quote = head?.[1] ?? "";
  const { start, end } = flag;
  return {
    start,
    end,
    text: `${head?.[0] ?? ""}${separated ? "" : "="}${value}${quote !== "" && raw.endsWith(quote) ? quote : ""}`,
  };
}

/** Behind the last word, on lines of their own where the words stand so. */
function additions(
  text: string,
  region: FlagRegion,
  { words, isEmpty }: { readonly words: readonly Word[]; readonly isEmpty: boolean },
  added: readonly string[],
): Splice[] {
  if (added.length === 0) return [];
  const last = words.at(-1);
  const at = last?.end ?? region.start;
  if (isEmpty && region.style !== "exec-start") {
    return [...quotesAround(text, region), { start: at, end: at, text: added.join(" ") }];
  }
  const gap = last === undefined ? "" : text.slice(words.at(-2)?.end ?? region.start, last.start);
  const separator = region.style === "exec-start" && /^\s*\\\r?\n[ \t]*$/.test(gap) ? gap : " ";
  return [...quotesAround(text, region), { start: at, end: at, text: added.map((word) => separator + word).join("") }];
}

/** `Environment=A=--x` needs quotes as soon as it has two words. */
function quotesAround(text: string, { style, variable = "", start, end }: FlagRegion): Splice[] {
  if (style !== "unit-word" || /["']/.test(text[end] ?? "")) return [];
  const from = start - variable.length - 1;
  return [
    { start: from, end: from, text: '"' },
    { start: end, end, text: '"' },
  ];
}
