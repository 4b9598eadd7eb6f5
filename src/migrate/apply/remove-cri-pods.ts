import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "#base/errors.ts";
import { openCriConnection, type CriConnection } from "#clients/cri/cri-connection.ts";
import type { Call } from "../call.ts";
import { socketOf } from "./socket-of.ts";
import type { StepContext } from "./step-run.ts";

/** A daemon that was started a moment ago, or starts again, gets this long to listen. */
const patienceMs = 15_000;

/** As openCriConnection, for a daemon that is to be there. @throws unavailable when it does not come up */
async function waitForCri(call: Call, context: StepContext, endpoint: string): Promise<CriConnection> {
  const socketPath = await socketOf(context.files, endpoint);
  for (const end = performance.now() + patienceMs; ;) {
    try {
      return await openCriConnection(call, socketPath);
    } catch (error) {
      if (!isKind(error, "unavailable") || performance.now() > end) throw error;
    }
    await sleep(250, undefined, { signal: call.signal });
  }
}

/** Stops and removes every pod of a CRI runtime, with its network. @throws unavailable */
export async function removeCriPods(call: Call, context: StepContext, endpoint: string): Promise<void> {
  using cri = await openCriConnection(call, await socketOf(context.files, endpoint));
  const { items } = await cri.runtime.listPodSandbox({}, call);
  for (const { id, metadata } of items) {
    context.tell(`removing pod ${metadata?.namespace ?? ""}/${metadata?.name ?? id}`);
    await cri.runtime.stopPodSandbox({ podSandboxId: id }, call);
    await cri.runtime.removePodSandbox({ podSandboxId: id }, call);
  }
}

/** How many pods a CRI runtime has. @throws unavailable */
export async function countCriPods(call: Call, context: StepContext, endpoint: string): Promise<number> {
  using cri = await waitForCri(call, context, endpoint);
  return (await cri.runtime.listPodSandbox({}, call)).items.length;
}
