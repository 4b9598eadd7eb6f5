import { setTimeout as sleep } from "node:timers/promises";
import { KubernetesApiError } from "#clients/kubernetes/api-error.ts";
import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";
import type { Machine } from "./step-run.ts";

/** How long an API server may be away unless told otherwise: longer than one takes to start again as a static pod. */
export const defaultApiTimeoutMs = 180_000;

/** Where every kubelet keeps the lease that says it speaks. Source: KEP-9 */
export const leaseNamespace = "kube-node-lease";
/** Where a node's smoke pod runs: privileges are seldom restricted there. */
export const smokeNamespace = "kube-system";

/** The Node object, as its API path says it. */
export function nodePath(node: string): string {
  return `/api/v1/nodes/${encodeURIComponent(node)}`;
}

/** The Node. @throws notFound @throws unavailable once the API server has been away for too long */
export async function getNode(call: Call, machine: Machine, node: string): Promise<JsonReader> {
  return await patiently(call, machine, async () => {
    const client = await machine.kubernetes();
    return new JsonReader(await client.get(call, nodePath(node)), `node ${node}`);
  });
}

/** Changes the Node by a merge patch. @throws as getNode */
export async function patchNode(call: Call, machine: Machine, node: string, patch: unknown): Promise<void> {
  await patiently(call, machine, async () => {
    const client = await machine.kubernetes();
    await client.patch(call, nodePath(node), "merge", patch);
  });
}

/** For the way back: on a Node that somebody has deleted since, there is nothing to put back. */
export async function unlessDeleted(putBack: () => Promise<void>): Promise<void> {
  try {
    await putBack();
  } catch (error) {
    if (!(error instanceof KubernetesApiError) || error.status !== 404) throw error;
  }
}

/**
 * Asks again while the API server cannot be reached: it may run on the node that is moved.
 *
 * @throws unavailable with its address once it has been away for the machine's `apiTimeoutMs`, or the call's own time is up
 */
export async function patiently<T>(call: Call, { apiTimeoutMs }: Machine, ask: () => Promise<T>): Promise<T> {
  let away: { readonly error: unknown; readonly sinceMs: number } | undefined;
  for (const startMs = performance.now(); ;) {
    try {
      if (away !== undefined) await sleep(1_000, undefined, { signal: call.signal });
      return await ask();
    } catch (error) {
      if (isOutOfTime(call)) throw tooLong(away ?? { error: "api server: no answer", sinceMs: startMs });
      if (call.signal.aborted || !isKind(error, "unavailable")) throw error;
      away = { error, sinceMs: away?.sinceMs ?? performance.now() };
      if (performance.now() > away.sinceMs + apiTimeoutMs) throw tooLong(away);
    }
  }
}

/** Whether a time limit ended it, and nobody who stops the run. */
function isOutOfTime({ signal }: Call): boolean {
  return signal.aborted && isKind(signal.reason, "deadlineExceeded");
}

function tooLong({ error, sinceMs }: { readonly error: unknown; readonly sinceMs: number }): EngineError {
  const seconds = Math.round((performance.now() - sinceMs) / 1000);
  return new EngineError("unavailable", `${messageOf(error)} (for ${seconds} s; --api-timeout waits longer)`, {
    cause: error,
  });
}
