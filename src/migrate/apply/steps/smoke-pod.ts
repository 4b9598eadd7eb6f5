import { EngineError, isKind, messageOf } from "#base/errors.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { within, type Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { probeSelector, readLog, removeProbePods, waitForPod, withProbePod } from "../../verify/probe-pod.ts";
import { patiently, smokeNamespace } from "../cluster-node.ts";
import { explainFailure } from "../explain-failure.ts";
import type { StepContext, StepRun } from "../step-run.ts";
import { waitForDaemonPod } from "../wait-for-daemon-pod.ts";

const namespace = smokeNamespace;
const line = "this pod was started by ferry migrate";

type SmokeAction = StepAction & { kind: "smoke-pod" };

/**
 * A pod bound to the node, of an image that has a shell: it runs, its readiness probe is an exec, and its log says what it
 * was told to say. Removed again, whatever comes of it. A node's own identity may make none but mirror pods: a DaemonSet's is
 * looked at then.
 *
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function smokePod(context: StepContext, action: SmokeAction): StepRun {
  return {
    save: async () => await Promise.resolve(null),
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const client = await context.kubernetes();
      try {
        await patiently(call, context, async () => {
          await removeProbePods(call, client, { node: action.node, namespace });
          await prove(within(call, action.timeoutMs), client, action);
        });
      } catch (error) {
        if (isKind(error, "deadlineExceeded")) throw failure(action, messageOf(error));
        if (!isKind(error, "permissionDenied")) throw error;
        context.tell(`no pod may be made with this kubeconfig (${messageOf(error)}): DaemonSets' pods are looked at`);
        await proveByDaemonSet(call, context, action);
        return;
      }
      context.tell("a pod ran, answered exec and was heard");
    },
    verify: async () => await Promise.resolve(),
    undo: async (call) => {
      const ours = { node: action.node, namespace };
      await patiently(call, context, async () => await removeProbePods(call, await context.kubernetes(), ours));
    },
    undoByHand: () => [`kubectl delete pods --namespace ${namespace} --selector ${probeSelector(action.node)}`],
  };
}

async function proveByDaemonSet(call: Call, context: StepContext, action: SmokeAction): Promise<void> {
  const client = await context.kubernetes();
  try {
    const look = async () => await waitForDaemonPod(within(call, action.timeoutMs), client, action.node);
    const name = await patiently(call, context, look);
    context.tell(name === undefined ? "no DaemonSet has a pod here: nothing is proven" : `${name} is ready`);
  } catch (error) {
    if (isKind(error, "deadlineExceeded")) throw failure(action, messageOf(error));
    throw error;
  }
}

async function prove(call: Call, client: KubernetesClient, { node, image }: SmokeAction): Promise<void> {
  const command = ["sh", "-c", `echo ${line}; exec sleep 600`];
  const pod = { node, namespace, image, command, readyWhen: ["sh", "-c", "exit 0"] };
  await withProbePod(call, client, pod, async (place) => {
    await waitForPod(call, client, place, ({ ready }) => ready);
    const lines = await readLog(call, client, place);
    if (lines.includes(line)) return;
    throw new EngineError(
      "internal",
      `pod ${namespace}/${place.name}: its log has not the line it wrote but: ${lines.join("\n").slice(0, 200)}`,
    );
  });
}

function failure({ node, timeoutMs }: SmokeAction, state: string): EngineError {
  const hints = explainFailure([state]).map((hint) => `\n  ${hint}`);
  return new EngineError("deadlineExceeded", `node ${node}: ${state} (${timeoutMs / 1000} s)${hints.join("")}`);
}
