import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { installPackages as install, listPackages, restorePackages } from "../packages.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** Installs packages by the node's package manager; what comes with them is noted, and goes again on the way back. */
export function installPackages(
  { commands, tell }: StepContext,
  action: StepAction & { kind: "install-packages" },
): StepRun {
  const missing = async (call: Call) => {
    const installed = await listPackages(call, commands, action.manager);
    // `name=version` and `name-version` are the managers' own business.
    return action.packages.filter((name) => !installed.has(name.split("=")[0] ?? name));
  };
  return {
    save: async (call) => Object.fromEntries(await listPackages(call, commands, action.manager)),
    check: async (call) => !action.packages.some((name) => name.includes("=")) && (await missing(call)).length === 0,
    do: async (call) => {
      tell(`${action.manager}: installing ${action.packages.join(" ")}`);
      await install(call, commands, action);
    },
    verify: async (call) => {
      const names = action.manager === "apt" ? await missing(call) : [];
      if (names.length > 0) throw new EngineError("internal", `packages ${names.join(", ")}: not installed`);
    },
    undo: async (call, saved) => {
      const versions = new Map(Object.entries(new JsonReader(saved, "journal: packages").stringMap()));
      await restorePackages(call, commands, { manager: action.manager, versions });
    },
  };
}
