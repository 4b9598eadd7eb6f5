import type { Call } from "#core/call.ts";
import type { Network } from "#core/networks/network.ts";
import type { Engine } from "./engine.ts";

/** Publishes a fact about a network with Docker's attributes. */
export function networkEvent(
  call: Call,
  engine: Pick<Engine, "events">,
  action: "create" | "connect" | "disconnect" | "destroy",
  network: Network,
  attributes: Readonly<Record<string, string>> = {},
): void {
  engine.events.publish({
    namespace: call.namespace,
    type: "network",
    action,
    actorId: network.id,
    attributes: { name: network.name, type: network.driver, ...attributes },
  });
}
