import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Network } from "#core/networks/network.ts";
import type { Engine } from "./engine.ts";
import { networkEvent } from "./network-event.ts";
import { refuseWhileUnreadable } from "./unreadable-container.ts";

export type RemoveNetworkEngine = Pick<Engine, "networks" | "networkDriver" | "containers" | "events">;

/**
 * Removes a network that no running container is on. Publishes `destroy`.
 *
 * The record goes last, so a crash in between leaves a network that can be removed again. A container that is being
 * attached meanwhile finds the record gone and takes its interface back.
 *
 * @throws notFound @throws permissionDenied for a builtin one, or when containers are on it
 */
export async function removeNetwork(call: Call, engine: RemoveNetworkEngine, idOrName: string): Promise<Network> {
  const network = await engine.networks.get(call, idOrName);
  if (network.builtin) {
    throw new EngineError("permissionDenied", `${network.name} is a pre-defined network and cannot be removed`);
  }
  const endpoints = await endpointsOf(call, engine, network);
  if (endpoints.length > 0) {
    throw new EngineError(
      "permissionDenied",
      `error while removing network: network ${network.name} has active endpoints (${endpoints.join(", ")})`,
    );
  }
  await refuseWhileUnreadable(call, engine, `network ${network.name}: may be in use`);
  await engine.networkDriver.remove(call, network);
  await engine.networks.delete(call, network.id);
  networkEvent(call, engine, "destroy", network);
  return network;
}

async function endpointsOf(call: Call, engine: RemoveNetworkEngine, network: Network): Promise<string[]> {
  const containers = await engine.containers.list(call);
  return containers.flatMap(({ name, attachments }) =>
    attachments
      .filter(({ networkId }) => networkId === network.id)
      .map(({ endpointId }) => `name:"${name}" id:"${endpointId.slice(0, 12)}"`),
  );
}
