import { findIpAddress, formatIpAddress, reverseName } from "#core/networks/ip-address.ts";
import type { NameRecord } from "#core/networks/name-service.ts";
import type { Network } from "#core/networks/network.ts";

/** What a name has: addresses of either family, none of either when it is not known at all. */
export type Found = { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };

type Zone = { network: Network; readonly records: Map<string, NameRecord> };

/** Who is on which network under which names. Pure bookkeeping. */
export class Zones {
  readonly #zones = new Map<string, Zone>();

  set(network: Network, record: NameRecord): void {
    const zone = this.#zones.get(network.id) ?? { network, records: new Map<string, NameRecord>() };
    zone.network = network;
    zone.records.set(record.containerId, record);
    this.#zones.set(network.id, zone);
  }

  /** Answers whether the network has no records left. */
  delete(network: Pick<Network, "id">, containerId: string): boolean {
    const zone = this.#zones.get(network.id);
    zone?.records.delete(containerId);
    if (zone !== undefined && zone.records.size > 0) return false;
    this.#zones.delete(network.id);
    return true;
  }

  has(network: Pick<Network, "id">): boolean {
    return this.#zones.has(network.id);
  }

  /** What the one who asks from `address` on `networkId` may see: all networks it is on. */
  viewFrom(networkId: string, address: string): View {
    const own = this.#zones.get(networkId);
    const asker = own === undefined ? undefined : recordOf(own, address);
    if (asker === undefined) return new View(own === undefined ? [] : [own], undefined);
    const zones = [...this.#zones.values()].filter(({ records }) => records.has(asker.containerId));
    return new View(zones, asker.upstreams);
  }
}

/** The names that one container sees. */
export class View {
  readonly #zones: readonly Zone[];
  /** Resolvers for the rest; undefined: the host's. */
  readonly upstreams: readonly string[] | undefined;

  constructor(zones: readonly Zone[], upstreams: readonly string[] | undefined) {
    this.#zones = zones;
    this.upstreams = upstreams;
  }

  /** Whether there is a way to the outside: a container on internal networks alone asks nobody else. */
  get reachesOutside(): boolean {
    return this.#zones.some(({ network }) => !network.internal);
  }

  /** Looks `name` or `name.<network>` up; undefined when no container has it. */
  find(name: string): Found | undefined {
    const wanted = name.toLowerCase().replace(/\.$/, "");
    const records = this.#zones.flatMap((zone) => {
      const bare = withoutSuffix(wanted, `.${zone.network.name.toLowerCase()}`);
      return [...zone.records.values()].filter(({ names }) => names.includes(wanted) || names.includes(bare));
    });
    if (records.length === 0) return undefined;
    const addresses = (key: "ipv4" | "ipv6") => records.map((record) => record[key]).filter((ip) => ip !== undefined);
    return { ipv4: addresses("ipv4"), ipv6: addresses("ipv6") };
  }

  /** Name for a reverse look-up: `<container>.<network>`. */
  findReverse(name: string): string | undefined {
    const wanted = name.toLowerCase().replace(/\.$/, "");
    for (const { network, records } of this.#zones) {
      for (const { names, ipv4, ipv6 } of records.values()) {
        if ([ipv4, ipv6].some((ip) => ip !== undefined && reverseOf(ip) === wanted))
          return `${names[0]}.${network.name}`;
      }
    }
    return undefined;
  }
}

function recordOf({ records }: Zone, address: string): NameRecord | undefined {
  const found = findIpAddress(address.replace(/^::ffff:(?=\d+\.)/, ""));
  const text = found === undefined ? address : formatIpAddress(found);
  return [...records.values()].find(({ ipv4, ipv6 }) => ipv4 === text || ipv6 === text);
}

function reverseOf(ip: string): string | undefined {
  const address = findIpAddress(ip);
  return address === undefined ? undefined : reverseName(address);
}

function withoutSuffix(text: string, suffix: string): string {
  return text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}
