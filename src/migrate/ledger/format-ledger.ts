import { placeText, type Outcome, type LedgerEntry } from "./ledger.ts";

/** Worst first: what a person has to look at is on top. */
const order = ["invalid", "lost", "changed", "kept", "unneeded"] as const satisfies readonly Outcome[];

/** For people: a block for each outcome; for each key where it stood, where it went, what is different, what to do. */
export function ledgerBlocks(entries: readonly LedgerEntry[]): string[] {
  const blocks = order.flatMap((outcome) => {
    const of = entries.filter((entry) => entry.outcome === outcome);
    return of.length === 0 ? [] : [`${outcome.toUpperCase()} (${of.length})`, ...of.flatMap(entryBlock), ""];
  });
  return [...blocks, summaryLine(entries)];
}

/** One line for each key in the order of the file: `kept  a.b = 1  -> c.d  [file:3]  why`. */
export function ledgerLines(entries: readonly LedgerEntry[]): string[] {
  return entries.map(({ outcome, key, value, source, to, note, action }) => {
    const places = to.map((place) => `-> ${place.key}`);
    const words = [
      `${key} = ${value}`,
      ...places,
      `[${placeText(source)}]`,
      note,
      action === undefined ? "" : `do: ${action}`,
    ];
    return `${outcome.padEnd(9)}${words.filter((word) => word !== "").join("  ")}`;
  });
}

/** `0 invalid, 1 lost, 3 changed, 10 kept, 2 unneeded` */
export function summaryLine(entries: readonly LedgerEntry[]): string {
  return order.map((outcome) => `${entries.filter((entry) => entry.outcome === outcome).length} ${outcome}`).join(", ");
}

function entryBlock({ key, value, source, to, note, action }: LedgerEntry): string[] {
  return [
    `  ${[key, value].filter((part) => part !== "").join(" = ") || "(file)"}   [${placeText(source)}]`,
    ...to.map(({ file, key: place }) => `    -> ${file}: ${place}`),
    ...(note === "" ? [] : [`    ${note}`]),
    ...(action === undefined ? [] : [`    do: ${action}`]),
  ];
}
