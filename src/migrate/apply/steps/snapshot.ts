import { JsonReader } from "#base/json-reader.ts";
import type { StepAction } from "../../plan/step.ts";
import { decodeSavedPaths, restorePaths, savePaths } from "../saved-files.ts";
import { decodeSavedUnits, restoreUnits, resumeUnits, saveUnits } from "../saved-units.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** Keeps files and unit states before anything changes; last on the way back, it mends what no step's own undo knew of. */
export function snapshot(context: StepContext, action: StepAction & { kind: "snapshot" }): StepRun {
  const filesContext = { ...context, undoDirectory: `${context.undoDirectory}/files` };
  return {
    save: async (call) => ({
      units: await saveUnits(call, context, action.units),
      files: await savePaths(call, filesContext, action.paths),
    }),
    check: async () => await Promise.resolve(true),
    do: async () => await Promise.resolve(),
    verify: async () => await Promise.resolve(),
    undo: async (call, saved) => {
      const reader = new JsonReader(saved, "journal: snapshot");
      await restorePaths(call, filesContext, decodeSavedPaths(reader.at("files")));
      await restoreUnits(call, context, decodeSavedUnits(reader.at("units")));
    },
    settle: async (call, saved) => {
      await resumeUnits(call, context, decodeSavedUnits(new JsonReader(saved, "journal: snapshot").at("units")));
    },
  };
}
