import type { Network } from "./network.ts";

export type NameRecord = {
  readonly containerId: string;
  /** Lower case: container name, short id, aliases. */
  readonly names: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Resolvers for what this container asks and no container answers; undefined: the host's. */
  readonly upstreams?: readonly string[];
};

/**
 * Answers names of containers to the containers that share a network with them; passes everything else on to the
 * host's resolvers. Serves on the gateway address of each network that has records.
 */
export interface NameService extends AsyncDisposable {
  /** Addresses a container's resolv.conf should name for `networks`; empty when the host's own serve. */
  serversFor(networks: readonly Network[]): string[];
  /** States a container's names on a network, replacing what it had there; starts to serve the network where needed. */
  set(network: Network, record: NameRecord): Promise<void>;
  /** Idempotent. */
  delete(network: Network, containerId: string): Promise<void>;
}
