import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** Sets kernel parameters now; a `write-files` step keeps them for the next boot. */
export function setSysctls(context: StepContext, { values }: StepAction & { kind: "set-sysctls" }): StepRun {
  const differing = async (call: Call) => {
    const names: string[] = [];
    for (const [name, value] of Object.entries(values))
      if ((await read(call, context, name)) !== value) names.push(name);
    return names;
  };
  return {
    save: async (call) => {
      const before: Record<string, string> = {};
      for (const name of Object.keys(values)) {
        const value = await read(call, context, name);
        // A parameter of a module that was not loaded has no old value.
        if (value !== undefined) before[name] = value;
      }
      return before;
    },
    check: async (call) => (await differing(call)).length === 0,
    do: async (call) => {
      for (const name of await differing(call)) await set(call, context, name, values[name] ?? "");
    },
    verify: async (call) => {
      const names = await differing(call);
      if (names.length > 0) throw new EngineError("internal", `sysctl ${names.join(", ")}: not taken over`);
    },
    undo: async (call, saved) => {
      for (const [name, value] of Object.entries(new JsonReader(saved, "journal: sysctls").stringMap())) {
        if ((await read(call, context, name)) !== value) await set(call, context, name, value);
      }
    },
  };
}

async function read(call: Call, { commands }: StepContext, name: string): Promise<string | undefined> {
  const { code, stdout } = await commands.try(call, ["sysctl", "-n", name]);
  return code === 0 ? stdout.trim() : undefined;
}

async function set(call: Call, { commands }: StepContext, name: string, value: string): Promise<void> {
  await commands.run(call, ["sysctl", "-w", `${name}=${value}`]);
}
