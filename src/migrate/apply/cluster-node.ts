import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";
import type { Machine } from "./step-run.ts";

/** How long an API server may be away: longer than one takes to start again as a static pod. */
const patienceMs = 120_000;

/** The Node object, as its API path says it. */
export function nodePath(node: string): string {
  return `/api/v1/nodes/${encodeURIComponent(node)}`;
}

/** The Node. @throws notFound @throws unavailable once the API server has been away for two minutes */
export async function getNode(call: Call, machine: Machine, node: string): Promise<JsonReader> {
  return await patiently(call, async () => {
    const client = await machine.kubernetes();
    return new JsonReader(await client.get(call, nodePath(node)), `node ${node}`);
  });
}

/** Changes the Node by a merge patch. @throws as getNode */
export async function patchNode(call: Call, machine: Machine, node: string, patch: unknown): Promise<void> {
  await patiently(call, async () => {
    const client = await machine.kubernetes();
    await client.patch(call, nodePath(node), "merge", patch);
  });
}

/** Asks again while the API server cannot be reached: it may run on the node that is moved. */
export async function patiently<T>(call: Call, ask: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + patienceMs; ;) {
    try {
      return await ask();
    } catch (error) {
      if (call.signal.aborted || !isKind(error, "unavailable") || performance.now() > end) throw error;
    }
    await sleep(1_000, undefined, { signal: call.signal });
  }
}
