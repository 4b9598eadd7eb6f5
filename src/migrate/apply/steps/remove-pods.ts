import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { countCriPods, removeCriPods } from "../remove-cri-pods.ts";
import { countDockerPods, removeDockerPods } from "../remove-docker-pods.ts";
import { removeInRounds } from "../remove-in-rounds.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** Takes down what a stopped kubelet left, through the runtime that made it. Going back, the kubelet makes them anew. */
export function removePods(context: StepContext, action: StepAction & { kind: "remove-pods" }): StepRun {
  const { endpoint } = action;
  const count = async (call: Call) =>
    action.through === "docker"
      ? await countDockerPods(call, context, endpoint)
      : await countCriPods(call, context, endpoint);
  const removeOnce = async (call: Call) => {
    if (action.through === "docker") await removeDockerPods(call, context, action);
    else await removeCriPods(call, context, endpoint);
  };
  const remove = async (call: Call) => void (await removeInRounds(call, { remove: removeOnce, count }));
  return {
    ...nothingToUndo,
    check: async (call) => (await count(call)) === 0,
    do: remove,
    bringBack: async (call, later) => {
      // From there on pods may be the new runtime's, which is Docker still where cri-dockerd is new.
      if (later.some(({ kind }) => kind === "wait-for-runtime")) return;
      try {
        await remove(call);
      } catch (error) {
        const isStopping = later.some(({ kind }) => kind === "set-units");
        if (!isStopping || !isKind(error, "unavailable")) throw error;
      }
    },
    verify: async (call) => {
      const left = await count(call);
      if (left > 0) throw new EngineError("conflict", `runtime ${endpoint}: ${left} of its pods are still there`);
    },
  };
}
