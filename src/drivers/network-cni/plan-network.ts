import { createHash } from "node:crypto";
import { EngineError } from "#base/errors.ts";
import {
  blockContains,
  blocksOverlap,
  findIpAddress,
  formatIpAddress,
  formatIpBlock,
  type IpBlock,
  lastOf,
  parseIpBlock,
} from "#core/networks/ip-address.ts";
import type { Network, Subnet } from "#core/networks/network.ts";
import type { AddressPool, Instance } from "./instance.ts";

export type Host = {
  /** What its routes and interfaces use. */
  readonly blocks: readonly IpBlock[];
  readonly interfaces: readonly string[];
};

export const networkOptions = {
  bridgeName: "com.docker.network.bridge.name",
  mtu: "com.docker.network.driver.mtu",
  /** Ours: the bridge was there before the network and stays after it. */
  adoptedBridge: "ferry.bridge.adopted",
} as const;

/** Fills in what a bridge network leaves open and refuses what cannot be. Pure; see `NetworkDriver.plan`. */
export function planNetwork(network: Network, others: readonly Network[], host: Host, instance: Instance): Network {
  if (network.driver !== "bridge") return network;
  refuseBadMtu(network);
  const ipv6 = network.ipv6 || (network.builtin && instance.defaultIpv6);
  const named = { ...network, ipv6, ...planBridge(network, others, host, instance) };
  const taken = others.flatMap((other) => other.subnets.map(({ subnet }) => parseIpBlock(subnet)));
  const subnets = network.subnets.map((subnet) => planSubnet(subnet, taken));
  const families = subnets.map(({ subnet }) => parseIpBlock(subnet).family);
  const busy = [...taken, ...host.blocks];
  const wished = network.builtin ? wishedSubnet(instance, busy) : undefined;
  if (!families.includes(4)) subnets.unshift(wished ?? pickSubnet(instance.addressPools, busy));
  if (ipv6 && !families.includes(6)) subnets.push(uniqueLocalSubnet(network));
  if (!ipv6 && families.includes(6)) {
    throw new EngineError("invalidArgument", "invalid network config: IPv6 subnet on a network without IPv6");
  }
  refuseTwoOfAFamily(subnets);
  return { ...named, subnets };
}

function refuseBadMtu(network: Network): void {
  const mtu = network.options[networkOptions.mtu];
  if (mtu === undefined || (/^\d{2,5}$/.test(mtu) && Number(mtu) >= 68 && Number(mtu) <= 65_535)) return;
  throw new EngineError("invalidArgument", `network ${network.name}: option ${networkOptions.mtu}: bad MTU ${mtu}`);
}

function planBridge(
  network: Network,
  others: readonly Network[],
  host: Host,
  instance: Instance,
): Pick<Network, "bridge" | "options"> & { bridge: string } {
  const asked = network.bridge ?? network.options[networkOptions.bridgeName];
  const holder = others.find(({ bridge }) => bridge !== undefined && bridge === asked);
  if (holder !== undefined) {
    throw new EngineError("conflict", `network ${network.name}: bridge ${asked} belongs to network ${holder.name}`);
  }
  if (asked !== undefined) {
    if (!/^[A-Za-z0-9_.-]{1,15}$/.test(asked) || asked === "." || asked === "..") {
      throw new EngineError(
        "invalidArgument",
        `network ${network.name}: ${JSON.stringify(asked)} is no interface name`,
      );
    }
    const adopted = host.interfaces.includes(asked) ? { [networkOptions.adoptedBridge]: "true" } : {};
    return { bridge: asked, options: { ...network.options, ...adopted } };
  }
  const bridge = network.builtin ? freeName(instance.defaultBridge, others, host) : `fy-${network.id.slice(0, 12)}`;
  return { bridge, options: network.options };
}

function freeName(first: string, others: readonly Network[], host: Host): string {
  const used = new Set([...host.interfaces, ...others.map(({ bridge }) => bridge)]);
  if (!used.has(first)) return first;
  const stem = first.replace(/0$/, "").slice(0, 13);
  const candidates = Array.from({ length: 99 }, (_, index) => `${stem}${index + 1}`);
  return candidates.find((name) => !used.has(name)) ?? first;
}

function planSubnet(given: Subnet, taken: readonly IpBlock[]): Subnet {
  const block = parseIpBlock(given.subnet);
  const canonical = formatIpBlock(block);
  if (findIpAddress(given.subnet.split("/")[0] ?? "")?.value !== block.first) {
    throw invalid(`invalid subnet ${given.subnet}: it should be ${canonical}`);
  }
  if (block.prefixLength > (block.family === 4 ? 30 : 126)) throw invalid(`subnet ${canonical}: too small`);
  if (taken.some((other) => blocksOverlap(other, block))) {
    throw new EngineError(
      "permissionDenied",
      "invalid pool request: Pool overlaps with other one on this address space",
    );
  }
  for (const [what, text] of insiders(given)) {
    const address = findIpAddress(text);
    if (address === undefined) throw invalid(`invalid ${what} ${text}`);
    if (!blockContains(block, address))
      throw invalid(`invalid ${what} ${text}: parent subnet ${canonical} does not contain it`);
  }
  if (given.ipRange !== undefined) refuseRangeOutside(given.ipRange, block);
  const gateway = given.gateway === "" ? address(block, 1n) : given.gateway;
  return { ...given, subnet: canonical, gateway };
}

function insiders(given: Subnet): [string, string][] {
  const aux = Object.entries(given.auxAddresses ?? {}).map(([name, text]): [string, string] => [
    `auxiliary address ${name}`,
    text,
  ]);
  return given.gateway === "" ? aux : [["gateway", given.gateway], ...aux];
}

function refuseRangeOutside(text: string, subnet: IpBlock): void {
  const range = parseIpBlock(text);
  if (range.family === subnet.family && range.first >= subnet.first && lastOf(range) <= lastOf(subnet)) return;
  throw invalid(`invalid ip-range ${text}: parent subnet ${formatIpBlock(subnet)} does not contain it`);
}

function refuseTwoOfAFamily(subnets: readonly Subnet[]): void {
  const families = subnets.map(({ subnet }) => parseIpBlock(subnet).family);
  if (new Set(families).size === families.length) return;
  throw invalid("bridge driver doesn't support multiple subnets of one address family");
}

/** The operator's choice; where it is taken (another tenant's default network has it) the pools serve. */
function wishedSubnet({ defaultSubnet }: Instance, taken: readonly IpBlock[]): Subnet | undefined {
  if (defaultSubnet === undefined) return undefined;
  const block = parseIpBlock(defaultSubnet);
  if (taken.some((other) => blocksOverlap(other, block))) return undefined;
  return { subnet: defaultSubnet, gateway: address(block, 1n) };
}

function pickSubnet(pools: readonly AddressPool[], taken: readonly IpBlock[]): Subnet {
  for (const pool of pools) {
    const base = parseIpBlock(pool.base);
    const size = 1n << BigInt((base.family === 4 ? 32 : 128) - pool.prefixLength);
    for (let first = base.first; first <= lastOf(base); first += size) {
      const block: IpBlock = { family: base.family, first, prefixLength: pool.prefixLength };
      if (!taken.some((other) => blocksOverlap(other, block))) {
        return { subnet: formatIpBlock(block), gateway: address(block, 1n) };
      }
    }
  }
  throw invalid("all predefined address pools have been fully subnetted");
}

/** RFC 4193: a random 40-bit id; here from the network's random id, so that planning stays pure. */
function uniqueLocalSubnet(network: Network): Subnet {
  const random = createHash("sha256").update(network.id).digest("hex").slice(0, 14);
  const first = BigInt(`0xfd${random}`) << 64n;
  const block: IpBlock = { family: 6, first, prefixLength: 64 };
  return { subnet: formatIpBlock(block), gateway: address(block, 1n) };
}

function address(block: IpBlock, offset: bigint): string {
  return formatIpAddress({ family: block.family, value: block.first + offset });
}

function invalid(message: string): EngineError {
  return new EngineError("invalidArgument", message);
}
