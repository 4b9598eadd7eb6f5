import type { Call } from "#core/call.ts";
import type { ListContainersRequest, StreamContainersRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { pagesOf } from "./pages.ts";
import { selectContainers, toContainer } from "./to-container.ts";

export async function listContainers(call: Call, cri: Cri, { filter }: ListContainersRequest) {
  const found = await selectContainers(call, cri, filter);
  return { containers: found.map(({ container, record }) => toContainer(container, record)) };
}

export async function* streamContainers(call: Call, cri: Cri, { filter }: StreamContainersRequest) {
  for (const page of pagesOf(await selectContainers(call, cri, filter))) {
    yield { containers: page.map(({ container, record }) => toContainer(container, record)) };
  }
}
