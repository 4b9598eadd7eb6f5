import type { StepAction } from "../../plan/step.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** Loads kernel modules. They stay on the way back: whether somebody else uses one by now cannot be told. */
export function loadModules({ commands }: StepContext, { modules }: StepAction & { kind: "load-modules" }): StepRun {
  return {
    ...nothingToUndo,
    check: async () => await Promise.resolve(modules.length === 0),
    do: async (call) => void (await commands.run(call, ["modprobe", "--all", ...modules])),
    verify: async () => await Promise.resolve(),
  };
}
