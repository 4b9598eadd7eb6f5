import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import type { StepAction, UnitState } from "../../plan/step.ts";
import { decodeSavedUnits, isRunning, restoreUnits, resumeUnits, saveUnits } from "../saved-units.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** A daemon that cannot run ends within this; one that takes longer to notice is found by the steps that use it. */
const proveMs = 700;
const activatingMs = 60_000;
/** As long may a daemon end and be started again, when what it needs comes up a moment later. */
const crashingMs = 10_000;

/** Enables, starts, stops and restarts units, each after a `daemon-reload`. */
export function setUnits(context: StepContext, { units }: StepAction & { kind: "set-units" }): StepRun {
  const names = units.map(({ name }) => name);
  const decode = (saved: unknown) => decodeSavedUnits(new JsonReader(saved, "journal: units"));
  return {
    save: async (call) => await saveUnits(call, context, names),
    check: async (call) => {
      for (const unit of units) if (unit.restart === true || !(await isAsWanted(call, context, unit))) return false;
      return true;
    },
    do: async (call) => {
      await context.units.reload(call);
      for (const unit of units) await bring(call, context, unit);
    },
    verify: async (call) => {
      if (units.some(({ active }) => active)) await sleep(proveMs, undefined, { signal: call.signal });
      for (const unit of units) await prove(call, context, unit);
    },
    bringBack: async (call, later) => {
      const settled = new Set(later.flatMap((step) => (step.kind === "set-units" ? step.units : [])).map(nameOf));
      const lost: UnitState[] = [];
      for (const unit of units) {
        if (!settled.has(unit.name) && !(await isAsWanted(call, context, unit))) lost.push(unit);
      }
      for (const unit of lost) await bring(call, context, unit);
      for (const unit of lost) await prove(call, context, unit);
    },
    undo: async (call, saved) => await restoreUnits(call, context, decode(saved)),
    settle: async (call, saved) => {
      // What ran before and was restarted runs with what the files said in between.
      const restarted = units.filter(({ restart }) => restart === true).map(({ name }) => name);
      await resumeUnits(call, context, decode(saved), restarted);
    },
  };
}

function nameOf({ name }: UnitState): string {
  return name;
}

async function bring(call: Call, { units, tell }: StepContext, unit: UnitState): Promise<void> {
  const { name, active, enabled, restart } = unit;
  if (enabled !== undefined) await setEnabled(call, units, name, enabled);
  if (!active) {
    await units.stop(call, name);
    tell(`${name} is stopped`);
    return;
  }
  await units.start(call, name, restart === true ? "restart" : "start");
  tell(`${name} is started`);
}

/** A unit that does not exist cannot start at boot, which is what `enabled: false` asks for. */
async function setEnabled(call: Call, units: StepContext["units"], name: string, enabled: boolean): Promise<void> {
  const state = await units.enabledState(call, name);
  if (enabled && state !== "enabled") await units.set(call, "enable", name);
  if (!enabled && state === "enabled") await units.set(call, "disable", name);
}

async function isAsWanted(call: Call, { units }: StepContext, { name, active, enabled }: UnitState): Promise<boolean> {
  const state = await units.activeState(call, name);
  // One that ends and is started again and again is not stopped.
  if (active ? state !== "active" : isRunning(state)) return false;
  return enabled === undefined || ((await units.enabledState(call, name)) === "enabled") === enabled;
}

/** @throws unavailable with the unit's journal lines when it does not stay up */
async function prove(call: Call, { units }: StepContext, { name, active }: UnitState): Promise<void> {
  const start = performance.now();
  let state = await units.activeState(call, name);
  while (state === "activating" || state === "deactivating" || state === "reloading") {
    const limit = (await units.isCrashing(call, name)) ? crashingMs : activatingMs;
    if (performance.now() > start + limit) break;
    await sleep(250, undefined, { signal: call.signal });
    state = await units.activeState(call, name);
  }
  if ((state === "active") === active) return;
  if (!active) throw new EngineError("internal", `unit ${name}: still ${state} after stop`);
  const lines = (await units.journal(call, name)).map((line) => `\n    ${line}`).join("");
  throw new EngineError("unavailable", `unit ${name}: ${state} after start${lines}`);
}
