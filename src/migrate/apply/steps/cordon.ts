import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import { stepCommands } from "../../plan/step-commands.ts";
import type { StepAction } from "../../plan/step.ts";
import { getNode, patchNode, unlessDeleted } from "../cluster-node.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** Keeps new pods off the node, or lets them come again; the way back leaves what was there. */
export function cordon(context: StepContext, { kind, node }: StepAction & { kind: "cordon" | "uncordon" }): StepRun {
  const wanted = kind === "cordon";
  const read = async (call: Call) => (await getNode(call, context, node)).at("spec").at("unschedulable").boolean();
  const set = async (call: Call, unschedulable: boolean) => {
    if ((await read(call)) === unschedulable) return;
    await patchNode(call, context, node, { spec: { unschedulable: unschedulable ? true : null } });
  };
  const before = (saved: unknown) => new JsonReader(saved, "journal: cordon").at("unschedulable").boolean();
  return {
    save: async (call) => ({ unschedulable: await read(call) }),
    check: async (call) => (await read(call)) === wanted,
    do: async (call) => await set(call, wanted),
    verify: async () => await Promise.resolve(),
    undo: async (call, saved) => await unlessDeleted(async () => await set(call, before(saved))),
    // What the cordon found is how the Node stays.
    ...(kind === "uncordon"
      ? {}
      : { undoByHand: (saved) => stepCommands({ kind: before(saved) ? "cordon" : "uncordon", node }) }),
  };
}
