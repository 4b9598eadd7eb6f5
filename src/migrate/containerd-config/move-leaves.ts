import type { Destination, LedgerEntry, Outcome } from "../ledger/ledger.ts";
import { valueText } from "../ledger/ledger.ts";
import { isTomlTable, keyPathText } from "../toml/toml-tree.ts";
import type { Leaf, Move, Origin, Verdict } from "./leaf.ts";

/** Says for a leaf where it goes; `all` is what it stands among. */
export type Step = (leaf: Leaf, all: readonly Leaf[]) => Move;

/** A configuration on its way through steps. */
export class LeafJourney {
  leaves: readonly Leaf[];
  readonly #origins: readonly Origin[];
  readonly #verdicts = new Map<Origin, Verdict[]>();

  constructor(leaves: readonly Leaf[]) {
    this.leaves = leaves;
    this.#origins = leaves.map(({ origin }) => origin);
  }

  take(step: Step): void {
    const before = this.leaves;
    this.leaves = before.flatMap((leaf) => {
      const move = step(leaf, before);
      if (move.t === "stay") return [leaf];
      const { outcome, note, action } = move;
      const verdicts = this.#verdicts.get(leaf.origin) ?? [];
      verdicts.push({ outcome, note, ...(action !== undefined && { action }) });
      this.#verdicts.set(leaf.origin, verdicts);
      return move.t === "drop" ? [] : move.leaves.map(({ path, value }) => ({ path, value, origin: leaf.origin }));
    });
  }

  /** A line for each value that came in; `file` is where they all are now. Empty tables are passed over. */
  ledger(file: string): LedgerEntry[] {
    return this.#origins.flatMap((origin) => {
      if (isTomlTable(origin.value)) return [];
      const verdicts = this.#verdicts.get(origin) ?? [];
      const to = this.leaves
        .filter((leaf) => leaf.origin === origin)
        .map((leaf): Destination => ({ file, key: keyPathText(leaf.path) }));
      const actions = verdicts.flatMap(({ action }) => action ?? []);
      return [
        {
          outcome: worst(verdicts),
          key: keyPathText(origin.path),
          value: /password|auth|token|identitytoken/i.test(origin.path.at(-1) ?? "") ? "***" : valueText(origin.value),
          source: origin.source,
          to,
          note: verdicts
            .map(({ note }) => note)
            .filter((note) => note !== "")
            .join("; "),
          ...(actions.length > 0 && { action: actions.join("; ") }),
        },
      ];
    });
  }
}

const gravity: readonly Outcome[] = ["lost", "unneeded", "changed", "kept"];

function worst(verdicts: readonly Verdict[]): Outcome {
  return gravity.find((outcome) => verdicts.some((verdict) => verdict.outcome === outcome)) ?? "kept";
}
