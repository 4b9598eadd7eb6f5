import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";
import { isAbsent } from "../host/host-files.ts";
import { decodeSavedPaths, restorePaths, savePaths, type SavedPath } from "./saved-files.ts";
import type { StepContext } from "./step-run.ts";

/** How units were, for the way back: running, and the links that say what starts at boot. */
export type SavedUnits = {
  readonly units: readonly { readonly name: string; readonly active: string; readonly enabled: string }[];
  /** The administrator's links of these units, byte copies in the undo directory. */
  readonly links: readonly SavedPath[];
};

const unitDirectory = "/etc/systemd/system";

/** Notes how `names` are; copies into the step's undo directory, below `units`. */
export async function saveUnits(call: Call, context: StepContext, names: readonly string[]): Promise<SavedUnits> {
  const units: { name: string; active: string; enabled: string }[] = [];
  for (const name of names) {
    const active = await context.units.activeState(call, name);
    units.push({ name, active, enabled: await context.units.enabledState(call, name) });
  }
  const links = await savePaths(call, linksContext(context), await findLinks(context, names), "links alone");
  return { units, links };
}

/** Stops what ran not, and sets what starts at boot as it was. */
export async function restoreUnits(call: Call, context: StepContext, saved: SavedUnits): Promise<void> {
  for (const { name, active } of saved.units.toReversed()) {
    if (!isRunning(active) && isRunning(await context.units.activeState(call, name)))
      await context.units.stop(call, name);
  }
  for (const { name, enabled } of saved.units) await restoreEnabled(call, context, name, enabled);
  const before = new Set(saved.links.map(({ path }) => path));
  const names = saved.units.map(({ name }) => name);
  for (const path of await findLinks(context, names)) if (!before.has(path)) await context.files.remove(path);
  await restorePaths(call, linksContext(context), saved.links);
  await context.units.reload(call);
}

/**
 * Starts what ran, in the order in which it was noted, once the files that it reads are as they were; what is in `restarted`
 * is started anew if it runs.
 */
export async function resumeUnits(
  call: Call,
  { units }: StepContext,
  saved: SavedUnits,
  restarted: readonly string[] = [],
): Promise<void> {
  await units.reload(call);
  for (const { name, active } of saved.units) {
    if (!isRunning(active)) continue;
    const isUp = await units.isActive(call, name);
    if (!isUp || restarted.includes(name)) await units.start(call, name, isUp ? "restart" : "start");
  }
}

export function decodeSavedUnits(reader: JsonReader): SavedUnits {
  const units = reader.at("units").list(1_000);
  return {
    units: units.map((unit) => ({
      name: unit.at("name").string(),
      active: unit.at("active").string(),
      enabled: unit.at("enabled").string(),
    })),
    links: decodeSavedPaths(reader.at("links")),
  };
}

/** Through systemctl, since a unit may have more than links: a script of SysV's init too. */
async function restoreEnabled(call: Call, { units }: StepContext, name: string, was: string): Promise<void> {
  const is = await units.enabledState(call, name);
  if (is === was || is === "not-found") return;
  if (is === "masked") await units.set(call, "unmask", name);
  if (was === "masked") await units.set(call, "mask", name);
  if (was === "enabled") await units.set(call, "enable", name);
  if (was === "disabled" && is === "enabled") await units.set(call, "disable", name);
}

/** Whether a unit in this state is up, or on its way there. */
export function isRunning(active: string): boolean {
  return active === "active" || active === "activating" || active === "reloading";
}

function linksContext(context: StepContext): StepContext {
  return { ...context, undoDirectory: join(context.undoDirectory, "units") };
}

/** Links of the administrator's that are, or lead to, one of `names`: enablement, aliases and masks. */
async function findLinks({ files }: StepContext, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const directory of [unitDirectory, ...(await dependencyDirectories(files.root))]) {
    const entries = await readdir(join(files.root, directory), { withFileTypes: true }).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    for (const entry of entries.filter((entry) => entry.isSymbolicLink())) {
      const path = join(directory, entry.name);
      const target = basename(await files.locate(path));
      if (names.includes(entry.name) || names.includes(target)) found.push(path);
    }
  }
  return found.sort();
}

/** `multi-user.target.wants` and the like. */
async function dependencyDirectories(root: string): Promise<string[]> {
  const names = await readdir(join(root, unitDirectory)).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  return names.filter((name) => /\.(wants|requires|upholds)$/.test(name)).map((name) => join(unitDirectory, name));
}
