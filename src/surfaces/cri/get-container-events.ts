import type { Call } from "#core/call.ts";
import { isKind } from "#base/errors.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Event } from "#core/events/event.ts";
import { containersOf } from "#engine/stop-sandbox.ts";
import { ContainerEventType, type GetEventsRequest } from "#gen/runtime/v1/events_pb.ts";
import type { Cri } from "./cri.ts";
import { toContainerStatus } from "./to-container.ts";
import { toPodStatus } from "./to-pod.ts";

const types: Readonly<Record<string, ContainerEventType>> = {
  create: ContainerEventType.CONTAINER_CREATED_EVENT,
  start: ContainerEventType.CONTAINER_STARTED_EVENT,
  die: ContainerEventType.CONTAINER_STOPPED_EVENT,
  stop: ContainerEventType.CONTAINER_STOPPED_EVENT,
  destroy: ContainerEventType.CONTAINER_DELETED_EVENT,
};

/** What happens to containers and sandboxes from now on, each with the state of its pod as it is by then. */
export async function* getContainerEvents(call: Call, cri: Cri, _request: GetEventsRequest) {
  using events = cri.engine.events.subscribe(call.signal);
  const pods = new Map<string, string>();
  for (const container of await cri.engine.containers.list(call)) pods.set(container.id, container.sandboxId ?? "");
  for await (const event of events) {
    const type = typeOf(call, event);
    if (type === undefined) continue;
    const sandboxId = event.type === "sandbox" ? event.actorId : await podOf(call, cri, event.actorId, pods);
    if (sandboxId === "") continue;
    yield {
      containerId: event.actorId,
      containerEventType: type,
      createdAt: event.timeNs,
      ...(await stateOf(call, cri, sandboxId)),
    };
    if (type === ContainerEventType.CONTAINER_DELETED_EVENT) pods.delete(event.actorId);
  }
}

function typeOf(call: Call, { type, action, namespace }: Event): ContainerEventType | undefined {
  if (namespace !== call.namespace || (type !== "container" && type !== "sandbox")) return undefined;
  // A container that was stopped has died before.
  if (type === "container" && action === "stop") return undefined;
  return types[action];
}

async function podOf(call: Call, { engine }: Cri, id: string, pods: Map<string, string>): Promise<string> {
  const container = await engine.containers.find(call, id as ContainerId);
  if (container !== undefined) pods.set(id, container.sandboxId ?? "");
  return pods.get(id) ?? "";
}

async function stateOf(call: Call, cri: Cri, sandboxId: string) {
  const sandbox = await cri.engine.sandboxes.find(call, sandboxId);
  if (sandbox === undefined) return {};
  try {
    const containers = await containersOf(call, cri.engine, sandbox.id);
    const containersStatuses = await Promise.all(containers.map((it) => toContainerStatus(call, cri, it)));
    return { podSandboxStatus: toPodStatus(sandbox), containersStatuses };
  } catch (error) {
    if (isKind(error, "notFound")) return { podSandboxStatus: toPodStatus(sandbox) };
    throw error;
  }
}
