import { setTimeout as sleep } from "node:timers/promises";
import { openCriConnection } from "#clients/cri/cri-connection.ts";
import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { within, type Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { countCriPods, removeCriPods } from "../remove-cri-pods.ts";
import { removeInRounds } from "../remove-in-rounds.ts";
import { socketOf } from "../socket-of.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/** Waits until the runtime answers on its CRI socket and is ready; going back, takes down the pods it has by then. */
export function waitForRuntime(
  context: StepContext,
  { endpoint, timeoutMs }: StepAction & { kind: "wait-for-runtime" },
): StepRun {
  const wait = async (call: Call) => {
    let why = "";
    for (const end = performance.now() + timeoutMs; performance.now() < end;) {
      const answer = await ask(within(call, 10_000), context, endpoint);
      if (answer.ready) {
        context.tell(`${answer.text} answers on ${endpoint}`);
        return;
      }
      why = answer.text;
      await sleep(500, undefined, { signal: call.signal });
    }
    throw new EngineError("deadlineExceeded", `runtime ${endpoint}: not ready within ${timeoutMs / 1000} s: ${why}`);
  };
  return {
    save: async () => await Promise.resolve(null),
    check: async () => await Promise.resolve(false),
    do: wait,
    bringBack: wait,
    verify: async () => await Promise.resolve(),
    undo: async (call) => {
      try {
        const left = await removeInRounds(call, {
          remove: async (call) => await removeCriPods(call, context, endpoint),
          count: async (call) => await countCriPods(call, context, endpoint),
        });
        if (left > 0) throw new EngineError("conflict", `runtime ${endpoint}: ${left} of its pods are still there`);
      } catch (error) {
        // It never came up, or is down by now: nothing runs there that could be taken down through it.
        if (!isKind(error, "unavailable", "notImplemented")) throw error;
      }
    },
  };
}

/** Whether it is ready; in `text` what it is, or why it is not. A network that is not ready yet is the kubelet's to wait for. */
async function ask(call: Call, context: StepContext, endpoint: string): Promise<{ ready: boolean; text: string }> {
  try {
    using cri = await openCriConnection(call, await socketOf(context.files, endpoint));
    const { status } = await cri.runtime.status({}, { signal: call.signal });
    const condition = status?.conditions.find(({ type }) => type === "RuntimeReady");
    if (condition?.status === true) return { ready: true, text: `${cri.runtimeName} ${cri.runtimeVersion}` };
    return { ready: false, text: condition?.message || "RuntimeReady is false" };
  } catch (error) {
    return { ready: false, text: messageOf(error) };
  }
}
