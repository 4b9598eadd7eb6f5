import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { NetworkRequest } from "#core/containers/container-config.ts";
import type { Network } from "#core/networks/network.ts";
import { attachOne, type NetworkEngine, releaseOne } from "./container-network.ts";
import type { Engine } from "./engine.ts";

type ConnectEngine = NetworkEngine & Pick<Engine, "locks">;

/**
 * Puts a container on one more network: at once when it runs, at its next start otherwise.
 *
 * @throws notFound @throws permissionDenied when it is on it already, or cannot be on any
 */
export async function connectNetwork(
  call: Call,
  engine: ConnectEngine,
  request: { readonly container: string; readonly network: string; readonly settings: Omit<NetworkRequest, "network"> },
): Promise<void> {
  const network = await engine.networks.get(call, request.network);
  const { id } = await engine.containers.resolve(call, request.container);
  using _lock = await engine.locks.acquire(`container/${id}`, call.signal);
  const container = await engine.containers.get(call, id);
  refuseImpossible(container, network);
  const wanted: NetworkRequest = { network: network.name, ...request.settings };
  if (isRunning(container)) {
    const networks = await engine.networks.list(call);
    await attachOne(call, engine, { container, network, request: wanted, present: container.attachments, networks });
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
  engine: ConnectEngine,
  request: { readonly container: string; readonly network: string; readonly force: boolean },
): Promise<void> {
  const network = await findNetwork(call, engine, request);
  const { id } = await engine.containers.resolve(call, request.container);
  using _lock = await engine.locks.acquire(`container/${id}`, call.signal);
  const container = await engine.containers.get(call, id);
  if (others(container, network).length === container.config.networks.length) {
    if (container.config.linuxNamespaces.network.t === "host" && network.name === "host") {
      throw invalid("cannot disconnect container from host network - container was created in host network mode");
    }
    throw new EngineError("permissionDenied", `container ${id} is not connected to network ${network.name}`);
  }
  const attachment = container.attachments.find(({ networkId }) => networkId === network.id);
  if (attachment !== undefined) await releaseOne(call, engine, container, attachment);
  await engine.containers.update(call, id, (now) => ({
    ...withNetworks(now, others(now, network)),
    attachments: now.attachments.filter(({ networkId }) => networkId !== network.id),
  }));
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
  engine: ConnectEngine,
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
