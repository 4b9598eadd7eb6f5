import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { type Call, detachedCall } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { NetworkRequest } from "#core/containers/container-config.ts";
import type { NameRecord } from "#core/networks/name-service.ts";
import type { Network, NetworkAttachment } from "#core/networks/network.ts";
import type { Engine } from "./engine.ts";
import { namesOn } from "./names-on.ts";
import { networkEvent } from "./network-event.ts";
import { isServed, restatePeers } from "./restate-peers.ts";

export type NetworkEngine = Pick<
  Engine,
  "containers" | "networks" | "networkDriver" | "linuxNamespaces" | "names" | "events" | "locks" | "settings"
>;

/**
 * Puts a container on the networks its config asks for: makes its linux network namespace (named by the container's
 * id), adds an interface per network in order, records each attachment, states its names. On failure nothing is left.
 *
 * Does nothing for a container on the host's or another container's network. What a former run left is taken away
 * first. The caller holds the container's lock.
 *
 * @returns what the record holds now
 * @throws notFound when a network is gone; the driver's errors for ports and addresses in use
 */
export async function attachNetworks(
  call: Call,
  engine: NetworkEngine,
  container: Container,
): Promise<readonly NetworkAttachment[]> {
  await openLinuxNamespace(call, engine, container);
  return await fillLinuxNamespace(call, engine, container);
}

/**
 * First half of {@link attachNetworks}, for a caller that goes on with the path while the second half runs: clears what
 * a former run left and makes the linux network namespace. Answers its path, undefined when it has none of its own.
 */
export async function openLinuxNamespace(
  call: Call,
  engine: NetworkEngine,
  container: Container,
): Promise<string | undefined> {
  if (container.config.linuxNamespaces.network.t !== "private") return undefined;
  await clearLeftOver(call, engine, container);
  return await engine.linuxNamespaces.createNetwork(call, container.id);
}

/** Second half of {@link attachNetworks}. */
export async function fillLinuxNamespace(
  call: Call,
  engine: NetworkEngine,
  container: Container,
): Promise<readonly NetworkAttachment[]> {
  if (container.config.linuxNamespaces.network.t !== "private") return [];
  await using undo = new AsyncDisposableStack();
  undo.defer(() => detachNetworks(detachedCall(call), engine, container));
  const networks = await Promise.all(
    container.config.networks.map(({ network }) => engine.networks.get(call, network)),
  );
  const attachments: NetworkAttachment[] = [];
  for (const [index, request] of container.config.networks.entries()) {
    const network = networks[index];
    if (network?.driver === "bridge") {
      attachments.push(await attachOne(call, engine, { container, network, request, present: attachments, networks }));
    }
  }
  undo.move();
  return attachments;
}

/** Takes a container off all networks its record names and deletes its linux network namespace. Idempotent. */
export async function detachNetworks(call: Call, engine: NetworkEngine, container: Container): Promise<void> {
  if (container.config.linuxNamespaces.network.t !== "private") return;
  // First: the kernel takes the interfaces away with the namespace, in the background, so nobody waits for them.
  await engine.linuxNamespaces.deleteNetwork(call, container.id);
  const recorded = await engine.containers.find(call, container.id);
  const attachments = recorded?.attachments ?? container.attachments;
  if (attachments.length === 0) return;
  // Each is tried; what could not be taken away stays on record for the next time.
  const results = await Promise.allSettled(attachments.map((it) => releaseOne(call, engine, container, it)));
  const left = attachments.filter((_, index) => results[index]?.status === "rejected");
  if (recorded !== undefined) {
    await engine.containers.update(call, container.id, (now) => ({ ...now, attachments: left }));
  }
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

export type AttachOne = {
  readonly container: Container;
  readonly network: Network;
  readonly request: NetworkRequest;
  /** What the container is on already. */
  readonly present: readonly NetworkAttachment[];
  /** The networks of `present`, and others. */
  readonly networks: readonly Network[];
  /** Undefined: the first free `ethN`. */
  readonly interfaceName?: string;
};

/** Adds one interface to the container's linux network namespace, records it and states its names. */
export async function attachOne(call: Call, engine: NetworkEngine, attach: AttachOne): Promise<NetworkAttachment> {
  const { container, network } = attach;
  await using undo = new AsyncDisposableStack();
  const attachment = await engine.networkDriver.attach(call, toAttachRequest(engine, attach));
  undo.defer(() => takeBack(detachedCall(call), engine, container, network, attachment));
  await engine.containers.update(call, container.id, (now) => ({
    ...now,
    attachments: [...withoutNetwork(now, network), attachment],
  }));
  await refuseRemovedMeanwhile(call, engine, network);
  const wasServed = isServed(engine, network);
  await stateNames(engine, container, network, attachment);
  if (!wasServed || !isServed(engine, network)) await restatePeers(call, engine, network);
  undo.move();
  networkEvent(call, engine, "connect", network, { container: container.id });
  return attachment;
}

/** Takes a container off one network, but for the record; the network itself may be gone. */
export async function releaseOne(
  call: Call,
  engine: NetworkEngine,
  container: Pick<Container, "id">,
  attachment: NetworkAttachment,
): Promise<void> {
  const network = await findNetwork(call, engine, attachment);
  if (network === undefined) return;
  if (!isServed(engine, network)) await restatePeers(call, engine, network, container.id);
  await engine.names.delete(network, container.id);
  const linuxNamespacePath = engine.linuxNamespaces.pathOf(container.id);
  await engine.networkDriver.detach(call, { network, containerId: container.id, linuxNamespacePath, attachment });
  networkEvent(call, engine, "disconnect", network, { container: container.id });
}

/** Undoes {@link attachOne}; when the network was removed meanwhile, what attaching brought back of it goes too. */
async function takeBack(
  call: Call,
  engine: NetworkEngine,
  container: Container,
  network: Network,
  attachment: NetworkAttachment,
): Promise<void> {
  await engine.names.delete(network, container.id);
  const linuxNamespacePath = engine.linuxNamespaces.pathOf(container.id);
  await engine.networkDriver.detach(call, { network, containerId: container.id, linuxNamespacePath, attachment });
  if ((await findNetwork(call, engine, attachment)) === undefined) await engine.networkDriver.remove(call, network);
  await engine.containers.update(call, container.id, (now) => ({ ...now, attachments: withoutNetwork(now, network) }));
}

function withoutNetwork({ attachments }: Container, network: Network): NetworkAttachment[] {
  return attachments.filter(({ networkId }) => networkId !== network.id);
}

/** States a container's names on a network of its own kind; the default `bridge` has none, as Docker's. */
export async function stateNames(
  engine: Pick<Engine, "names">,
  container: Container,
  network: Network,
  attachment: NetworkAttachment,
): Promise<void> {
  if (network.builtin) return;
  const upstreams = container.config.dns.servers;
  const record: NameRecord = {
    containerId: container.id,
    names: namesOn(container, attachment),
    ...(attachment.ipv4 && { ipv4: attachment.ipv4.address }),
    ...(attachment.ipv6 && { ipv6: attachment.ipv6.address }),
    ...(upstreams.length > 0 && { upstreams }),
  };
  await engine.names.set(network, record);
}

function toAttachRequest(engine: NetworkEngine, attach: AttachOne) {
  const { container, network, request, present, networks } = attach;
  const isInternal = (id: string) => networks.find((other) => other.id === id)?.internal === true;
  const defaultRoute = !network.internal && present.every(({ networkId }) => isInternal(networkId));
  const { aliases, ipv4Address, ipv6Address, macAddress } = request;
  return {
    network,
    containerId: container.id,
    containerName: container.name,
    linuxNamespacePath: engine.linuxNamespaces.pathOf(container.id),
    interfaceName: attach.interfaceName ?? freeInterface(present),
    defaultRoute,
    aliases,
    ports: defaultRoute ? container.config.ports : [],
    ...(ipv4Address !== undefined && { ipv4Address }),
    ...(ipv6Address !== undefined && { ipv6Address }),
    ...(macAddress !== undefined && { macAddress }),
  };
}

function freeInterface(present: readonly NetworkAttachment[]): string {
  const used = new Set(present.map(({ interfaceName }) => interfaceName));
  let index = 0;
  while (used.has(`eth${index}`)) index++;
  return `eth${index}`;
}

/** Nobody locks a network while containers come and go; who loses the race against its removal finds out here. */
async function refuseRemovedMeanwhile(call: Call, engine: NetworkEngine, network: Network): Promise<void> {
  if ((await findNetwork(call, engine, { networkId: network.id })) !== undefined) return;
  throw new EngineError("notFound", `network ${network.name} not found`);
}

async function findNetwork(
  call: Call,
  engine: Pick<Engine, "networks">,
  attachment: Pick<NetworkAttachment, "networkId">,
): Promise<Network | undefined> {
  try {
    return await engine.networks.get(call, attachment.networkId);
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

async function clearLeftOver(call: Call, engine: NetworkEngine, container: Container): Promise<void> {
  try {
    await detachNetworks(call, engine, container);
  } catch (error) {
    call.log.warn({ containerId: container.id }, `networks of a former run: ${messageOf(error)}`);
  }
}
