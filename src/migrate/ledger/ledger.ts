import { exitCodes } from "../exit-codes.ts";
import { redact } from "#base/errors.ts";
import type { Fact, Source } from "../host/source.ts";

/**
 * What became of a key: `kept` it means the same under another name or in another place; `changed` it works somewhat
 * otherwise; `unneeded` the new runtime does the same unasked, or nothing of it reached pods; `lost` what it did is gone;
 * `invalid` Docker itself would not take it.
 */
export const outcomes = ["kept", "changed", "unneeded", "lost", "invalid"] as const;
export type Outcome = (typeof outcomes)[number];

/** One line for one key of a configuration. */
export type LedgerEntry = {
  readonly outcome: Outcome;
  /** `log-opts.max-size` */
  readonly key: string;
  /** As one line without credentials, cut where it is long. */
  readonly value: string;
  readonly source: Source;
  /** Where it went. */
  readonly to: readonly Destination[];
  /** Why, or what is different now. */
  readonly note: string;
  /** What a person has to do. */
  readonly action?: string;
};

export type Destination = { readonly file: string; readonly key: string };

/** What is said of a key beside its value: where it went, why, what to do. */
export type Remark = {
  readonly to?: readonly (Destination | undefined)[];
  readonly note: string;
  readonly action?: string;
};

/** A line for a key that was found at `fact.source`. */
export function ledgerEntry(outcome: Outcome, key: string, fact: Fact<unknown>, remark: Remark): LedgerEntry {
  const { to = [], note, action } = remark;
  return {
    outcome,
    key,
    value: valueText(fact.value),
    source: fact.source,
    to: to.filter((one) => one !== undefined),
    note,
    ...(action !== undefined && { action }),
  };
}

/** Exit code of a command that converted something: whether something was lost, or the input itself is wrong. */
export function ledgerExitCode(entries: readonly LedgerEntry[]): number {
  if (entries.some(({ outcome }) => outcome === "invalid")) return exitCodes.invalid;
  return entries.some(({ outcome }) => outcome === "lost") ? exitCodes.incomplete : 0;
}

/** `/etc/docker/daemon.json:12` */
export function placeText(source: Source): string {
  if (source.t === "system") return source.what;
  if (source.t === "api") return `${source.path}${source.field ?? ""}`;
  return source.line === undefined ? source.path : `${source.path}:${source.line}`;
}

const maxValue = 120;

/** A value on one line, without credentials. */
export function valueText(value: unknown): string {
  const text = redact(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
  return text.length > maxValue ? `${text.slice(0, maxValue - 1)}…` : text;
}
