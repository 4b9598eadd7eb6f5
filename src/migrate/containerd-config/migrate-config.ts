import { EngineError } from "#base/errors.ts";
import type { LedgerEntry } from "../ledger/ledger.ts";
import { formatToml } from "../toml/toml-tree.ts";
import { leavesOf, moveTo, stay, treeOf, unneeded, type Leaf } from "./leaf.ts";
import { LeafJourney, type Step } from "./move-leaves.ts";
import type { ContainerdConfig } from "./parse-config.ts";
import { v1ToV2 } from "./steps/v1-to-v2.ts";
import { v2ToV3 } from "./steps/v2-to-v3.ts";
import { v3ToV4 } from "./steps/v3-to-v4.ts";

export type MigrateOptions = {
  readonly to: 2 | 3 | 4;
  /** containerd 2.0 reads version 3 and knows `cni.bin_dir` only; true for all later ones. */
  readonly hasBinDirs?: boolean;
  /** The configuration is one with its imports merged in, so `imports` goes. */
  readonly isMerged?: boolean;
};

export type MigratedConfig = { readonly text: string; readonly ledger: readonly LedgerEntry[] };

/**
 * A configuration in a later version's words. Comments are not carried over; the ledger says how many there were.
 *
 * @throws failedPrecondition when it is of a later version already
 */
export function migrateContainerdConfig(config: ContainerdConfig, options: MigrateOptions): MigratedConfig {
  const journey = startJourney(config);
  advance(journey, config.version, options);
  if (options.isMerged === true) {
    journey.take(({ path }) => (path[0] === "imports" ? unneeded("what they say is in here") : stay));
  }
  const comment = [`containerd's configuration, version ${options.to}, from version ${config.version}.`];
  return {
    text: formatToml(treeOf(journey.leaves), comment),
    ledger: [...journey.ledger(config.path), ...commentEntries(config)],
  };
}

export function startJourney(config: ContainerdConfig): LeafJourney {
  const leaves = leavesOf(config.tree, config.sourceOf);
  if (leaves.some(({ path }) => path[0] === "version")) return new LeafJourney(leaves);
  const origin: Leaf["origin"] = { path: ["version"], value: 1, source: { t: "file", path: config.path } };
  return new LeafJourney([{ path: ["version"], value: 1, origin }, ...leaves]);
}

/** @throws failedPrecondition when `from` is later than the version asked for */
export function advance(journey: LeafJourney, from: number, { to, hasBinDirs = true }: MigrateOptions): void {
  if (from > to) {
    throw new EngineError("failedPrecondition", `containerd config: of version ${from}, there is no way back to ${to}`);
  }
  const steps: Readonly<Record<number, Step>> = { 1: v1ToV2, 2: v2ToV3(hasBinDirs), 3: v3ToV4 };
  for (let version = from; version < to; version++) {
    const step = steps[version];
    if (step !== undefined) journey.take(step);
  }
  journey.take((leaf) => (leaf.path.join() === "version" && leaf.value !== to ? moveTo(["version"], to) : stay));
}

function commentEntries({ text, path }: ContainerdConfig): LedgerEntry[] {
  const count = text.split("\n").filter((line) => /^\s*#/.test(line)).length;
  if (count === 0) return [];
  return [
    {
      outcome: "changed",
      key: "(comments)",
      value: `${count} lines`,
      source: { t: "file", path },
      to: [],
      note: "comments are not carried over",
    },
  ];
}
