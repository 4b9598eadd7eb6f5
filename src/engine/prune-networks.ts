import type { UnixNs } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Network } from "#core/networks/network.ts";
import { removeNetwork, type RemoveNetworkEngine } from "./remove-network.ts";

/**
 * Removes every user-defined network that no container is to be on, running or not, and that `accepts` takes.
 * @returns those that went
 */
export async function pruneNetworks(
  call: Call,
  engine: RemoveNetworkEngine,
  options: { readonly beforeNs?: UnixNs; readonly accepts?: (network: Network) => boolean } = {},
): Promise<Network[]> {
  const containers = await engine.containers.list(call);
  const wanted = new Set(containers.flatMap(({ config }) => config.networks.map(({ network }) => network)));
  const removed: Network[] = [];
  for (const network of await engine.networks.list(call)) {
    const unused = !network.builtin && !wanted.has(network.name) && !wanted.has(network.id);
    const old = options.beforeNs === undefined || network.createdAtNs < options.beforeNs;
    if (!unused || !old || options.accepts?.(network) === false) continue;
    try {
      removed.push(await removeNetwork(call, engine, network.id));
    } catch (error) {
      // Taken into use, or removed by somebody else, since the list was read.
      if (!isKind(error, "notFound", "permissionDenied", "conflict")) throw error;
    }
  }
  return removed;
}
