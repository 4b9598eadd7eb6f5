import type { Call } from "#core/call.ts";
import type { ListPodSandboxRequest, StreamPodSandboxesRequest } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { Cri } from "./cri.ts";
import { pagesOf } from "./pages.ts";
import { selectPods, toPod } from "./to-pod.ts";

export async function listPodSandbox(call: Call, cri: Cri, { filter }: ListPodSandboxRequest) {
  return { items: (await selectPods(call, cri, filter)).map(toPod) };
}

/** The same in pages, for nodes whose list does not fit a message. */
export async function* streamPodSandboxes(call: Call, cri: Cri, { filter }: StreamPodSandboxesRequest) {
  for (const page of pagesOf(await selectPods(call, cri, filter))) yield { podSandboxes: page.map(toPod) };
}
