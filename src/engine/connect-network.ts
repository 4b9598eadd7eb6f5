import { EngineError, isKind, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { NetworkRequest } from "#core/containers/container-config.ts";
import type { Network, NetworkAttachment } from "#core/networks/network.ts";
import { attachOne, type NetworkEngine, releaseOne } from "./container-network.ts";
import { lockContainer } from "./container-lock.ts";
import { networkFilePaths } from "./container-paths.ts";
import { networkTexts, updateNetworkFiles } from "./write-network-files.ts";

/**
 * Puts a container on one more network: at once when it runs, at its next start otherwise.
 *
 * @throws notFound @throws permissionDenied when it is on it already, or cannot be on any
 */
export async function connectNetwork(
  call: Call,
  engine: NetworkEngine,
  request: { readonly container: string; readonly network: string; readonly settings: Omit<NetworkRequest, "network"> },
): Promise<void> {
  const network = await engine.networks.get(call, request.network);
  const { id } = await engine.containers.resolve(call, request.container);
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  refuseImpossible(container, network);
  const wanted: NetworkRequest = { network: network.name, ...request.settings };
  if (isRunning(container)) {
    const networks = await engine.networks.list(call);
    const attach = { container, network, request: wanted, present: container.attachments, networks };
    await changeFiles(call, engine, container, () => attachOne(call, engine, attach));
  }
  await engine.containers.update(call, id, (now) => withNetworks(now, [...others(now, network), wanted]));
}

/**
 * Takes a container off a network, now and for its later starts. `force`: also when the network is gone.
 *
 * @throws notFound @throws permissionDenied when it is not on it
 */
export async function disconnectNetwork(
  call: Call,
  engine: NetworkEngine,
  request: { readonly container: string; readonly network: string; readonly force: boolean },
): Promise<void> {
  const network = await findNetwork(call, engine, request);
  const { id } = await engine.containers.resolve(call, request.container);
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  if (others(container, network).length === container.config.networks.length) {
    if (container.config.linuxNamespaces.network.t === "host" && network.name === "host") {
      throw invalid("cannot disconnect container from host network - container was created in host network mode");
    }
    throw new EngineError("permissionDenied", `container ${id} is not connected to network ${network.name}`);
  }
  const attachment = container.attachments.find(({ networkId }) => networkId === network.id);
  const strike = async () => {
    if (attachment !== undefined) await releaseOne(call, engine, container, attachment);
    await engine.containers.update(call, id, (now) => ({
      ...withNetworks(now, others(now, network)),
      attachments: now.attachments.filter(({ networkId }) => networkId !== network.id),
    }));
    if (attachment !== undefined) await moveDefaultRoute(call, engine, container, attachment);
  };
  await (attachment === undefined ? strike() : changeFiles(call, engine, container, strike));
}

/**
 * When `gone` had the default route, the next network that leads outside gets it, and the published ports with it:
 * the interface is made anew under its name, address and MAC.
 */
async function moveDefaultRoute(
  call: Call,
  engine: NetworkEngine,
  container: Container,
  gone: NetworkAttachment,
): Promise<void> {
  const networks = await engine.networks.list(call);
  const leadsOutside = ({ networkId }: NetworkAttachment) => networks.some((it) => it.id === networkId && !it.internal);
  if (networks.find(({ id }) => id === gone.networkId)?.internal === true) return;
  const outside = container.attachments.filter((it) => it === gone || leadsOutside(it));
  const next = outside[1];
  const network = networks.find(({ id }) => id === next?.networkId);
  if (outside[0] !== gone || next === undefined || network === undefined) return;
  const { aliases, macAddress, interfaceName, ipv4, ipv6 } = next;
  const request: NetworkRequest = {
    network: network.name,
    aliases,
    macAddress,
    ...(ipv4 && { ipv4Address: ipv4.address }),
    ...(ipv6 && { ipv6Address: ipv6.address }),
  };
  await releaseOne(call, engine, container, next);
  const now = await engine.containers.get(call, container.id);
  const present = now.attachments.filter(({ networkId }) => networkId !== network.id);
  await attachOne(call, engine, { container: now, network, request, present, networks, interfaceName });
}

/** Does `change` and brings hosts and resolv.conf after it. A container whose files are gone keeps its new networks. */
async function changeFiles(
  call: Call,
  engine: NetworkEngine,
  container: Container,
  change: () => Promise<unknown>,
): Promise<void> {
  const { attachments } = container;
  const before = await networkTexts(call, engine, { container, attachments });
  await change();
  try {
    const now = await engine.containers.get(call, container.id);
    const after = await networkTexts(call, engine, { container: now, attachments: now.attachments });
    await updateNetworkFiles(networkFilePaths(engine, container), before, after);
  } catch (error) {
    call.log.warn({ containerId: container.id }, `hosts and resolv.conf: ${messageOf(error)}`);
  }
}

function refuseImpossible(container: Container, network: Network): void {
  const { id, name, config, status } = container;
  if (status.state === "removing" || status.state === "dead") {
    throw new EngineError(
      "conflict",
      `container ${id} is marked for removal and cannot be connected or disconnected to the network`,
    );
  }
  if (network.driver === "host") {
    throw invalid("cannot connect container to host network - container must be created in host network mode");
  }
  if (config.linuxNamespaces.network.t !== "private") {
    throw invalid(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  const none = config.networks.some(({ network }) => network === "none");
  if ((network.driver === "none" && config.networks.length > 0) || none) {
    throw invalid("container cannot be connected to multiple networks with one of the networks in private (none) mode");
  }
  if (others(container, network).length < config.networks.length) {
    throw new EngineError("permissionDenied", `endpoint with name ${name} already exists in network ${network.name}`);
  }
}

function isRunning({ status }: Container): boolean {
  return status.state === "running" || status.state === "paused";
}

/** What the container asks for besides `network`. */
function others({ config }: Container, network: Pick<Network, "id" | "name">): NetworkRequest[] {
  return config.networks.filter((wanted) => wanted.network !== network.name && wanted.network !== network.id);
}

function withNetworks(container: Container, networks: readonly NetworkRequest[]): Container {
  return { ...container, config: { ...container.config, networks } };
}

async function findNetwork(
  call: Call,
  engine: NetworkEngine,
  { network, force }: { network: string; force: boolean },
): Promise<Pick<Network, "id" | "name">> {
  try {
    return await engine.networks.get(call, network);
  } catch (error) {
    if (!force || !isKind(error, "notFound")) throw error;
    return { id: network as Network["id"], name: network };
  }
}

function invalid(message: string): EngineError {
  return new EngineError("invalidArgument", message);
}
