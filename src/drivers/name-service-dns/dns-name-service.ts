import { errnoOf, messageOf } from "#base/errors.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import type { Logger } from "#base/logger.ts";
import { findIpAddress } from "#core/networks/ip-address.ts";
import type { NameRecord, NameService } from "#core/networks/name-service.ts";
import type { Network } from "#core/networks/network.ts";
import type { DnsServer, Respond } from "./dns-server.ts";
import { Forwarder } from "./forwarder.ts";
import { Zones } from "./zones.ts";

export type DnsNameServiceOptions = {
  readonly log: Logger;
  /** Resolvers of the host, asked for each time (a laptop changes networks); their addresses are the host's view. */
  readonly hostServers: () => Promise<readonly string[]>;
};

/**
 * Names by DNS on port 53 of each network's gateway. An address that cannot be had (another DNS server listens on
 * every address) is warned of once; containers of that network then use the host's resolvers and find no names.
 */
export class DnsNameService implements NameService {
  readonly #options: DnsNameServiceOptions;
  readonly #zones = new Zones();
  readonly #servers = new Map<string, DnsServer>();
  readonly #warned = new Set<string>();
  readonly #locks = new KeyedLock();
  readonly #forwarder = new Forwarder();
  readonly #controller = new AbortController();

  constructor(options: DnsNameServiceOptions) {
    this.#options = options;
  }

  serversFor(networks: readonly Network[]): string[] {
    return networks.filter(({ id }) => this.#servers.has(id)).flatMap((network) => gatewayOf(network) ?? []);
  }

  async set(network: Network, record: NameRecord): Promise<void> {
    this.#zones.set(network, record);
    using _lock = await this.#locks.acquire(network.id);
    const gateway = gatewayOf(network);
    if (this.#servers.has(network.id) || gateway === undefined) return;
    // The library is loaded with the first name.
    const { DnsServer } = await import("./dns-server.ts");
    const respond = await this.#responder(network);
    try {
      this.#servers.set(network.id, await DnsServer.open(gateway, respond));
      this.#warned.delete(network.id);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      this.#warn(network, gateway, error);
    }
  }

  async delete(network: Network, containerId: string): Promise<void> {
    if (!this.#zones.delete(network, containerId)) return;
    using _lock = await this.#locks.acquire(network.id);
    // Somebody may have come while the lock was waited for.
    if (this.#zones.has(network)) return;
    const server = this.#servers.get(network.id);
    this.#servers.delete(network.id);
    await server?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  }

  async #responder(network: Network): Promise<Respond> {
    const { answerQuery, failureReply } = await import("./answer-query.ts");
    return async (query, from, transport) => {
      const view = this.#zones.viewFrom(network.id, from);
      const verdict = answerQuery(query, view, transport === "udp" ? 4096 : 65_535);
      if (verdict.t === "ignore") return undefined;
      if (verdict.t === "reply") return verdict.bytes;
      if (!view.reachesOutside) return failureReply(query);
      try {
        const servers = view.upstreams ?? (await this.#options.hostServers());
        return await this.#forwarder.forward(query, servers, transport, this.#controller.signal);
      } catch (error) {
        this.#options.log.debug({}, `name service on network ${network.name}: ${messageOf(error)}`);
        return failureReply(query);
      }
    };
  }

  #warn(network: Network, gateway: string, error: unknown): void {
    if (this.#warned.has(network.id)) return;
    this.#warned.add(network.id);
    const what = `network ${network.name}: containers do not find each other by name`;
    this.#options.log.warn({}, `${what}: port 53 of ${gateway} cannot be had: ${messageOf(error)}`);
  }
}

function gatewayOf({ subnets }: Network): string | undefined {
  return subnets.map(({ gateway }) => gateway).find((gateway) => findIpAddress(gateway)?.family === 4);
}
