import type { HostRoot } from "./host-root.ts";
import { readUnit, unitDirectories } from "./read-unit.ts";
import { askUnit, type RunningHost } from "./running-host.ts";

/** A unit that is there. */
export type UnitFacts = {
  readonly name: string;
  /** Undefined for a copy, where nothing runs. */
  readonly active: boolean | undefined;
  readonly enabled: boolean;
};

/** Asks systemd on a running host; in a copy, a unit is enabled when something wants it. */
async function readUnitState(
  { root, running }: { readonly root: HostRoot; readonly running?: RunningHost | undefined },
  name: string,
): Promise<UnitFacts | undefined> {
  const asked = running === undefined ? undefined : await askUnit(running, name);
  if (asked !== undefined) return { name, ...asked };
  if ((await readUnit(root, name)) === undefined) return undefined;
  return { name, active: undefined, enabled: await isWanted(root, name) };
}

/** Those that are there. */
export async function readUnitStates(
  sources: { readonly root: HostRoot; readonly running?: RunningHost | undefined },
  names: readonly string[],
): Promise<UnitFacts[]> {
  const found: UnitFacts[] = [];
  for (const name of names) {
    const state = await readUnitState(sources, name);
    if (state !== undefined) found.push(state);
  }
  return found;
}

async function isWanted(root: HostRoot, name: string): Promise<boolean> {
  for (const directory of unitDirectories.slice(0, 2)) {
    for (const entry of await root.list(directory)) {
      if (!/\.(wants|requires)$/.test(entry)) continue;
      if ((await root.find(`${directory}/${entry}/${name}`, { follow: false })) !== undefined) return true;
    }
  }
  return false;
}
