import { messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Network } from "#core/networks/network.ts";
import { type NetworkEngine, stateNames } from "./container-network.ts";
import { restatePeers } from "./restate-peers.ts";

/**
 * At start, after it is known which containers run: restores rules, ports and names of those, frees everything else
 * (addresses, interfaces, linux namespaces) and strikes the attachments of those that do not run. What containers may
 * have whose record cannot be read stays.
 */
export async function recoverNetworks(
  call: Call,
  engine: NetworkEngine,
  isRunning: (container: Container) => boolean,
): Promise<void> {
  const networks = new Map((await engine.networks.listAll()).map((network) => [network.id, network]));
  const containers = await engine.containers.listAll();
  const running = containers.filter(isRunning);
  const live = running.flatMap((container) =>
    container.attachments.flatMap((attachment) => {
      const network = networks.get(attachment.networkId);
      return network === undefined ? [] : [{ network, containerId: container.id, attachment, container }];
    }),
  );
  const unreadable = (await engine.containers.listUnreadable()).map(({ id }) => id);
  await engine.networkDriver.recover(call, [...networks.values()], live, new Set(unreadable));
  await deleteLeftOver(call, engine, new Set<string>([...running.map(({ id }) => id), ...unreadable]));
  for (const container of containers) {
    if (isRunning(container) || container.attachments.length === 0) continue;
    const own = { ...call, namespace: container.namespace };
    await engine.containers.update(own, container.id, (now) => ({ ...now, attachments: [] }));
  }
  for (const { container, network, attachment } of live)
    await restoreNames(call, engine, container, network, attachment);
  const served = new Map(live.map(({ network, container }) => [network, container.namespace]));
  for (const [network, namespace] of served) await restatePeers({ ...call, namespace }, engine, network);
}

async function deleteLeftOver(call: Call, engine: NetworkEngine, running: ReadonlySet<string>): Promise<void> {
  const names = await engine.linuxNamespaces.listNetwork();
  for (const name of names) if (!running.has(name)) await engine.linuxNamespaces.deleteNetwork(call, name);
}

/** A container whose name cannot be served still runs: one of them does not hold up the start of the daemon. */
async function restoreNames(
  call: Call,
  engine: NetworkEngine,
  container: Container,
  network: Network,
  attachment: Container["attachments"][number],
): Promise<void> {
  try {
    await stateNames(engine, container, network, attachment);
  } catch (error) {
    call.log.warn({ containerId: container.id }, `names on network ${network.name}: ${messageOf(error)}`);
  }
}
