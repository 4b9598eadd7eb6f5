import { placeText, type LedgerEntry } from "#migrate/ledger/ledger.ts";
import { print } from "../output.ts";

/** Worst first: what a person has to look at is on top. */
const order = ["invalid", "lost", "changed", "kept", "unneeded"] as const;

/**
 * Prints a ledger for people: a block for each outcome, for each key where it stood, where it went, what is different and
 * what to do.
 */
export function printLedger(entries: readonly LedgerEntry[], write: (line: string) => void = print): void {
  for (const outcome of order) {
    const of = entries.filter((entry) => entry.outcome === outcome);
    if (of.length === 0) continue;
    write(`${outcome.toUpperCase()} (${of.length})`);
    for (const entry of of) writeEntry(entry, write);
    write("");
  }
  write(order.map((outcome) => `${count(entries, outcome)} ${outcome}`).join(", "));
}

function writeEntry({ key, value, source, to, note, action }: LedgerEntry, write: (line: string) => void): void {
  write(`  ${[key, value].filter((part) => part !== "").join(" = ") || "(file)"}   [${placeText(source)}]`);
  for (const { file, key: place } of to) write(`    -> ${file}: ${place}`);
  write(`    ${note}`);
  if (action !== undefined) write(`    do: ${action}`);
}

function count(entries: readonly LedgerEntry[], outcome: string): number {
  return entries.filter((entry) => entry.outcome === outcome).length;
}
