import { setTimeout as sleep } from "node:timers/promises";
import { KubernetesApiError } from "#clients/kubernetes/api-error.ts";
import { EngineError, isKind, messageOf } from "#base/errors.ts";
import type { Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { patiently } from "../cluster-node.ts";
import { refusingBudgets } from "../drain/budgets.ts";
import { listNodePods, podName, refusals, type DrainPod } from "../drain/drain-pods.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

const pollMs = 1_000;
/** As kubectl drain waits where the server names no time. */
const refusedMs = 5_000;

type DrainAction = StepAction & { kind: "drain" };
/** Pods whose eviction was refused, and why. */
type Blocked = Map<string, string>;

/**
 * Evicts the node's pods through the Eviction API, which PodDisruptionBudgets have their say in, and waits until they have
 * gone. DaemonSet and mirror pods stay: the kubelet would bring them back.
 */
export function drain(context: StepContext, action: DrainAction): StepRun {
  const left = async (call: Call) =>
    await patiently(call, context, async () => await listNodePods(call, await context.kubernetes(), action.node));
  return {
    ...nothingToUndo,
    check: async (call) => (await left(call)).length === 0,
    do: async (call) => {
      const pods = await left(call);
      const refused = refusals(pods, action.drain);
      if (refused.length > 0) {
        throw new EngineError(
          "failedPrecondition",
          `node ${action.node}: cannot be drained:\n  ${refused.join("\n  ")}`,
        );
      }
      await evictAll(call, context, action, left);
    },
    verify: async () => await Promise.resolve(),
  };
}

async function evictAll(
  call: Call,
  context: StepContext,
  { node, drain }: DrainAction,
  left: (call: Call) => Promise<readonly DrainPod[]>,
): Promise<void> {
  const deadline = performance.now() + drain.timeoutMs;
  const evicted = new Set<string>();
  const blocked: Blocked = new Map();
  const notBefore = new Map<string, number>();
  for (let pods = await left(call); pods.length > 0; pods = await left(call)) {
    for (const pod of pods) {
      if (evicted.has(pod.uid) || performance.now() < (notBefore.get(pod.uid) ?? 0)) continue;
      const waitMs = await evict(call, context, pod, { drain, blocked });
      if (waitMs === undefined) evicted.add(pod.uid);
      else notBefore.set(pod.uid, performance.now() + waitMs);
    }
    // Not before each was asked to go: what keeps them is known then.
    if (performance.now() > deadline) throw lateness({ node, pods, blocked, timeoutMs: drain.timeoutMs });
    await sleep(pollMs, undefined, { signal: call.signal });
  }
}

/** Undefined once it is on its way out; otherwise how long to wait before asking again. */
async function evict(
  call: Call,
  context: StepContext,
  pod: DrainPod,
  { drain, blocked }: { drain: DrainAction["drain"]; blocked: Blocked },
): Promise<number | undefined> {
  const client = await context.kubernetes();
  const grace = drain.gracePeriodSeconds === null ? {} : { gracePeriodSeconds: drain.gracePeriodSeconds };
  try {
    await client.evict(call, pod, grace);
    context.tell(`evicted ${podName(pod)}`);
    blocked.delete(pod.uid);
    return undefined;
  } catch (error) {
    if (!(error instanceof KubernetesApiError)) return unanswered(call, pod, { error, blocked });
    if (error.status === 404) return undefined;
    // 429: a budget says not now. 500 too, while two budgets match one pod. A server on its way up: 503.
    if (error.status !== 429 && error.status < 500) throw error;
    const why = await refusingBudgets(call, client, pod, error);
    if (blocked.get(pod.uid) !== why) context.tell(`${podName(pod)} waits: ${why}`);
    blocked.set(pod.uid, why);
    return error.retryAfterMs ?? refusedMs;
  }
}

/** The API server does not answer: how long it may is told by whoever lists the pods that are left. */
function unanswered(call: Call, pod: DrainPod, { error, blocked }: { error: unknown; blocked: Blocked }): number {
  if (call.signal.aborted || !isKind(error, "unavailable")) throw error;
  blocked.set(pod.uid, messageOf(error));
  return pollMs;
}

function lateness(late: {
  readonly node: string;
  readonly pods: readonly DrainPod[];
  readonly blocked: Blocked;
  readonly timeoutMs: number;
}): EngineError {
  const lines = late.pods.map((pod) => {
    const why = late.blocked.get(pod.uid) ?? "evicted, and not gone yet (finalizers, a long grace period, a volume)";
    return `\n  ${podName(pod)}: ${why}`;
  });
  const text = `node ${late.node}: not drained within ${late.timeoutMs / 1000} s`;
  return new EngineError("deadlineExceeded", `${text}${lines.join("")}`);
}
