import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type {
  ContainerStatsFilter,
  ContainerStatsRequest,
  ListContainerStatsRequest,
  StreamContainerStatsRequest,
} from "#gen/runtime/v1/stats_pb.ts";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { pagesOf } from "./pages.ts";
import { containerRecord } from "./records.ts";
import { selectContainers, toContainerState } from "./to-container.ts";
import { toContainerStats } from "./to-container-stats.ts";

export async function containerStats(call: Call, cri: Cri, { containerId }: ContainerStatsRequest) {
  const container = await cri.engine.containers.resolve(call, containerId);
  const record = containerRecord(container);
  if (record === undefined) throw new EngineError("notFound", `container ${containerId}: of no pod`);
  return { stats: await toContainerStats(call, cri, { container, record }) };
}

export async function listContainerStats(call: Call, cri: Cri, { filter }: ListContainerStatsRequest) {
  return { stats: await read(call, cri, filter) };
}

export async function* streamContainerStats(call: Call, cri: Cri, { filter }: StreamContainerStatsRequest) {
  for (const containerStats of pagesOf(await read(call, cri, filter))) yield { containerStats };
}

/** Of those that run or will; an ended one uses nothing. */
async function read(call: Call, cri: Cri, filter: ContainerStatsFilter | undefined) {
  const wanted = filter && { id: filter.id, podSandboxId: filter.podSandboxId, labelSelector: filter.labelSelector };
  const found = await selectContainers(call, cri, wanted);
  const alive = found.filter(({ container }) => toContainerState(container) !== ContainerState.CONTAINER_EXITED);
  return await Promise.all(alive.map((it) => toContainerStats(call, cri, it)));
}
