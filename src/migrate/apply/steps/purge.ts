import { EngineError } from "#base/errors.ts";
import type { StepAction } from "../../plan/step.ts";
import { listPackages, removePackages } from "../packages.ts";
import { isPurged, purgePath } from "../purge-path.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** Removes Docker itself and its data: nothing brings them back. */
export function purge(context: StepContext, action: StepAction & { kind: "purge" }): StepRun {
  const { commands } = context;
  return {
    ...nothingToUndo,
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const installed = await listPackages(call, commands, action.manager);
      const packages = action.packages.filter((name) => installed.has(name));
      await removePackages(call, commands, { manager: action.manager, packages });
      for (const path of action.paths) {
        if (!(await isPurged(context, path))) await purgePath(call, context, path);
      }
    },
    verify: async (call) => {
      const installed = await listPackages(call, commands, action.manager);
      const left = action.packages.filter((name) => installed.has(name));
      for (const path of action.paths) if (!(await isPurged(context, path))) left.push(path);
      if (left.length > 0) throw new EngineError("internal", `purge: still there: ${left.join(", ")}`);
    },
    undo: async () => {
      await Promise.resolve();
      throw new EngineError("failedPrecondition", "purge: cannot be undone");
    },
  };
}
