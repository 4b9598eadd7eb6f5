import type { ContainerId } from "#core/containers/container.ts";
import type { Namespace } from "#core/call.ts";
import type { TaskRef } from "#core/tasks/runtime.ts";
import { ProtoFields } from "./protobuf.ts";
import { toNs, type ProcessExit } from "./task-client.ts";
import { TtrpcServer } from "./ttrpc-server.ts";

/** Facts that shims publish and this driver goes by. */
export type ShimEvents = {
  readonly oom: (ref: TaskRef) => void;
  readonly exit: (ref: TaskRef, exit: ProcessExit) => void;
};

/**
 * Takes shims' events. A shim tries for some seconds to deliver one; what comes while no daemon is there is learned by
 * asking, so an event is a hint, never the only way.
 *
 * Source: containerd api/services/ttrpc/events/v1/events.proto, api/events/task.proto.
 */
export async function serveShimEvents(path: string, events: ShimEvents): Promise<TtrpcServer> {
  const forward = async (payload: Uint8Array) => {
    deliver(new ProtoFields(payload).message(1), events);
    return new Uint8Array();
  };
  const server = new TtrpcServer(new Map([["containerd.services.events.ttrpc.v1.Events/Forward", forward]]));
  await server.listen(path);
  return server;
}

/** Envelope: namespace 2, topic 3, event 4 (an `Any`). */
function deliver(envelope: ProtoFields, events: ShimEvents): void {
  const event = envelope.message(4).message(2);
  const containerId = event.string(1) as ContainerId;
  const ref: TaskRef = { namespace: envelope.string(2) as Namespace, containerId };
  const topic = envelope.string(3);
  if (topic === "/tasks/oom") events.oom(ref);
  // Of execs too, whose id is not the container's.
  else if (topic === "/tasks/exit" && event.string(2) === containerId)
    events.exit(ref, { exitCode: event.number(4), exitedAtNs: toNs(event.message(5)) });
}
