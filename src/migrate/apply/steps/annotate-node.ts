import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../../call.ts";
import { stepCommands } from "../../plan/step-commands.ts";
import type { StepAction } from "../../plan/step.ts";
import { getNode, patchNode, unlessDeleted } from "../cluster-node.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** Sets or removes one annotation of the Node. */
export function annotateNode(
  context: StepContext,
  { node, key, value }: StepAction & { kind: "annotate-node" },
): StepRun {
  const read = async (call: Call) => {
    const annotations = (await getNode(call, context, node)).at("metadata").at("annotations");
    return annotations.at(key).optionalString() ?? null;
  };
  const set = async (call: Call, wanted: string | null) => {
    if ((await read(call)) === wanted) return;
    await patchNode(call, context, node, { metadata: { annotations: { [key]: wanted } } });
  };
  const before = (saved: unknown) => new JsonReader(saved, "journal: annotation").at("value").optionalString() ?? null;
  return {
    save: async (call) => ({ value: await read(call) }),
    check: async (call) => (await read(call)) === value,
    do: async (call) => await set(call, value),
    verify: async () => await Promise.resolve(),
    undo: async (call, saved) => await unlessDeleted(async () => await set(call, before(saved))),
    undoByHand: (saved) => stepCommands({ kind: "annotate-node", node, key, value: before(saved) }),
  };
}
