import { openCriConnection } from "#clients/cri/cri-connection.ts";
import type { Call } from "../call.ts";
import { socketOf } from "./socket-of.ts";
import type { StepContext } from "./step-run.ts";

/** Stops and removes every pod of a CRI runtime, with its network. Answers how many there were. @throws unavailable */
export async function removeCriPods(call: Call, context: StepContext, endpoint: string): Promise<number> {
  using cri = await openCriConnection(call, await socketOf(context.files, endpoint));
  const { items } = await cri.runtime.listPodSandbox({}, call);
  for (const { id, metadata } of items) {
    context.tell(`removing pod ${metadata?.namespace ?? ""}/${metadata?.name ?? id}`);
    await cri.runtime.stopPodSandbox({ podSandboxId: id }, call);
    await cri.runtime.removePodSandbox({ podSandboxId: id }, call);
  }
  return items.length;
}

/** How many pods a CRI runtime has. @throws unavailable */
export async function countCriPods(call: Call, context: StepContext, endpoint: string): Promise<number> {
  using cri = await openCriConnection(call, await socketOf(context.files, endpoint));
  return (await cri.runtime.listPodSandbox({}, call)).items.length;
}
