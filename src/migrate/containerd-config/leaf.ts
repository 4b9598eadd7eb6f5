import type { TomlTable, TomlValue } from "smol-toml";
import type { Source } from "../host/source.ts";
import type { Outcome } from "../ledger/ledger.ts";
import { isTomlTable, keyPathText, setIn } from "../toml/toml-tree.ts";

export type KeyPath = readonly string[];

/** A value that is no table, or an empty table, and where it stood before anything was moved. */
export type Leaf = { readonly path: KeyPath; readonly value: TomlValue; readonly origin: Origin };

export type Origin = { readonly path: KeyPath; readonly value: TomlValue; readonly source: Source };

/** What becomes of a leaf. */
export type Move =
  | { readonly t: "stay" }
  | {
      readonly t: "to";
      readonly outcome: "kept" | "changed";
      readonly leaves: readonly { readonly path: KeyPath; readonly value: TomlValue }[];
      readonly note: string;
      readonly action?: string;
    }
  | { readonly t: "drop"; readonly outcome: "lost" | "unneeded"; readonly note: string; readonly action?: string };

/** What was said of an origin on its way. */
export type Verdict = { readonly outcome: Outcome; readonly note: string; readonly action?: string };

export const stay: Move = { t: "stay" };

export function moveTo(path: KeyPath, value: TomlValue, note = ""): Move {
  return { t: "to", outcome: "kept", leaves: [{ path, value }], note };
}

export function change(path: KeyPath, value: TomlValue, note: string, action?: string): Move {
  return { t: "to", outcome: "changed", leaves: [{ path, value }], note, ...(action !== undefined && { action }) };
}

export function lose(note: string, action: string): Move {
  return { t: "drop", outcome: "lost", note, action };
}

export function unneeded(note: string): Move {
  return { t: "drop", outcome: "unneeded", note };
}

/** The values of a tree, in its order. Arrays are one value, whatever is in them. */
export function leavesOf(tree: TomlTable, sourceOf: (path: KeyPath) => Source): Leaf[] {
  const found: Leaf[] = [];
  const walk = (table: TomlTable, path: KeyPath) => {
    for (const [name, value] of Object.entries(table)) {
      const here = [...path, name];
      if (isTomlTable(value) && Object.keys(value).length > 0) walk(value, here);
      else found.push({ path: here, value, origin: { path: here, value, source: sourceOf(here) } });
    }
  };
  walk(tree, []);
  return found;
}

/** Empty tables are left out: to containerd they are as good as none. */
export function treeOf(leaves: readonly Leaf[]): TomlTable {
  const tree: TomlTable = {};
  for (const { path, value } of leaves) if (!isTomlTable(value)) setIn(tree, path, value);
  return tree;
}

export function findLeaf(leaves: readonly Leaf[], ...path: string[]): Leaf | undefined {
  const text = keyPathText(path);
  return leaves.find((leaf) => keyPathText(leaf.path) === text);
}

/** Whether `path` begins with `head`, and what follows then. */
export function below(path: KeyPath, ...head: string[]): KeyPath | undefined {
  return head.every((name, at) => path[at] === name) ? path.slice(head.length) : undefined;
}
