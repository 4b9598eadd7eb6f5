import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { within, type Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { leaseNamespace, nodePath } from "../cluster-node.ts";
import { explainFailure } from "../explain-failure.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** What the API says of a node. */
type NodeState = {
  readonly ready: boolean;
  /** Why not, as the kubelet says it. */
  readonly message: string;
  readonly runtime: string;
  /** When the kubelet last spoke, by its own clock, which is this node's. */
  readonly heardMs: number;
};

/** Why the API says nothing of it. */
type Unread = { readonly unread: string };

const pollMs = 1_000;

/**
 * Waits until the node is Ready with its new runtime, and said so after the wait began: for some 40 s, the API goes on
 * telling what a stopped kubelet said last.
 */
export function waitForNode(context: StepContext, action: StepAction & { kind: "wait-for-node" }): StepRun {
  const { node, runtimePrefix, timeoutMs } = action;
  return {
    ...nothingToUndo,
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const [since, deadline] = [Date.now(), performance.now() + timeoutMs];
      let state = await tryRead(call, context, node);
      while (!isThere(state, runtimePrefix, since)) {
        if (performance.now() > deadline) throw await lateness(call, context, action, state);
        await sleep(pollMs, undefined, { signal: call.signal });
        state = await tryRead(call, context, node);
      }
      context.tell(`node ${node} is Ready on ${state.runtime}`);
    },
    verify: async () => await Promise.resolve(),
  };
}

function isThere(state: NodeState | Unread, prefix: string, sinceMs: number): state is NodeState {
  if ("unread" in state || !state.ready || !state.runtime.startsWith(prefix)) return false;
  // API times have whole seconds.
  return state.heardMs >= Math.floor(sinceMs / 1000) * 1000;
}

/** The API server may be a static pod that starts on this very node. */
async function tryRead(call: Call, context: StepContext, node: string): Promise<NodeState | Unread> {
  try {
    return await readNode(within(call, 15_000), context, node);
  } catch (error) {
    if (call.signal.aborted || !isKind(error, "unavailable", "notFound", "deadlineExceeded", "canceled")) throw error;
    return { unread: isKind(error, "canceled") ? "the API server does not answer" : messageOf(error) };
  }
}

async function readNode(call: Call, context: StepContext, node: string): Promise<NodeState> {
  const client = await context.kubernetes();
  const status = new JsonReader(await client.get(call, nodePath(node)), `node ${node}`).at("status");
  const lease = await client.find(call, leasePath(node)).catch(() => undefined);
  const renewed = new JsonReader(lease, `lease of ${node}`).at("spec").at("renewTime").optionalString() ?? "";
  const ready = status
    .at("conditions")
    .list(1_000)
    .find((condition) => condition.at("type").string() === "Ready");
  const heartbeat = ready?.at("lastHeartbeatTime").optionalString() ?? "";
  return {
    ready: ready?.at("status").string() === "True",
    message: ready?.at("message").optionalString() ?? "no Ready condition",
    runtime: status.at("nodeInfo").at("containerRuntimeVersion").optionalString() ?? "",
    heardMs: Math.max(...[heartbeat, renewed].map((text) => Date.parse(text) || 0)),
  };
}

/** A kubelet's heartbeat since 1.14; the Node's own condition is written every five minutes only. Source: KEP-9. */
function leasePath(node: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases/${encodeURIComponent(node)}`;
}

async function lateness(
  call: Call,
  context: StepContext,
  { node, runtimePrefix, timeoutMs }: StepAction & { kind: "wait-for-node" },
  state: NodeState | Unread,
): Promise<EngineError> {
  const lines = await context.units.journal(call, "kubelet.service", 20);
  const is =
    "unread" in state ? state.unread : `${state.ready ? "Ready" : "not Ready"} on ${state.runtime}: ${state.message}`;
  const said = "unread" in state ? [] : [state.message];
  const hints = explainFailure([...said, ...lines]).map((hint) => `\n  ${hint}`);
  const text = `node ${node}: not Ready on ${runtimePrefix} within ${timeoutMs / 1000} s: ${is}`;
  return new EngineError("deadlineExceeded", `${text}${hints.join("")}\n    ${lines.join("\n    ")}`);
}
