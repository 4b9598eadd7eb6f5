import { EngineError } from "#base/errors.ts";
import type { Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { countCriPods, removeCriPods } from "../remove-cri-pods.ts";
import { countDockerPods, removeDockerPods } from "../remove-docker-pods.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** Takes down what a stopped kubelet left, through the runtime that made it. Going back, the kubelet makes them anew. */
export function removePods(context: StepContext, { through, endpoint }: StepAction & { kind: "remove-pods" }): StepRun {
  const count = async (call: Call) =>
    through === "docker" ? await countDockerPods(call, context, endpoint) : await countCriPods(call, context, endpoint);
  return {
    ...nothingToUndo,
    check: async (call) => (await count(call)) === 0,
    do: async (call) => {
      if (through === "docker") await removeDockerPods(call, context, endpoint);
      else await removeCriPods(call, context, endpoint);
    },
    verify: async (call) => {
      const left = await count(call);
      if (left > 0) throw new EngineError("conflict", `runtime ${endpoint}: ${left} of its pods are still there`);
    },
  };
}
