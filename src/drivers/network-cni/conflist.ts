import type { JsonObject } from "#base/json.ts";
import { formatIpAddress, type IpBlock, lastOf, parseIpAddress, parseIpBlock } from "#core/networks/ip-address.ts";
import type { Network, Subnet } from "#core/networks/network.ts";
import type { CniNetworkList } from "./cni.ts";
import { networkOptions } from "./plan-network.ts";

/**
 * The plugin list for one attachment to a bridge network: `bridge` with `host-local`. Masquerading and published ports
 * are the firewall's: one rule per network instead of several iptables runs per container.
 */
export function conflistOf(
  network: Network,
  options: { leaseDirectory: string; defaultRoute: boolean; staticAddress: boolean },
): CniNetworkList {
  const mtu = network.options[networkOptions.mtu];
  const bridge: JsonObject & { type: string } = {
    type: "bridge",
    bridge: network.bridge ?? "",
    isGateway: true,
    ipMasq: false,
    // A container reaches itself through its published port.
    hairpinMode: true,
    ipam: {
      type: "host-local",
      dataDir: options.leaseDirectory,
      ranges: network.subnets.map((subnet) => rangesOf(subnet, options.staticAddress)),
      routes: options.defaultRoute ? network.subnets.map(defaultRoute) : [],
    },
    capabilities: { ips: true, mac: true },
  };
  if (mtu !== undefined) bridge["mtu"] = Number(mtu);
  return { cniVersion: "1.0.0", name: network.id, plugins: [bridge] };
}

/** host-local knows no exclusions: auxiliary addresses cut the range. An address asked for may lie anywhere in the subnet. */
function rangesOf(subnet: Subnet, whole: boolean): JsonObject[] {
  const block = parseIpBlock(subnet.subnet);
  const base = { subnet: subnet.subnet, gateway: subnet.gateway };
  if (whole) return [base];
  const inner = subnet.ipRange === undefined ? block : parseIpBlock(subnet.ipRange);
  const excluded = Object.values(subnet.auxAddresses ?? {}).map((text) => parseIpAddress(text).value);
  const text = (value: bigint) => formatIpAddress({ family: block.family, value });
  return cut(usable(inner, block), excluded).map(([first, last]) =>
    Object.assign({ rangeStart: text(first), rangeEnd: text(last) }, base),
  );
}

/** Without the subnet's network address and, for IPv4, its broadcast address. */
function usable(inner: IpBlock, block: IpBlock): [bigint, bigint] {
  const first = inner.first === block.first ? inner.first + 1n : inner.first;
  const last = lastOf(inner) === lastOf(block) && block.family === 4 ? lastOf(inner) - 1n : lastOf(inner);
  return [first, last];
}

function cut([first, last]: [bigint, bigint], excluded: readonly bigint[]): [bigint, bigint][] {
  const holes = excluded.filter((value) => value >= first && value <= last).sort((a, b) => (a < b ? -1 : 1));
  const parts: [bigint, bigint][] = [];
  let from = first;
  for (const hole of holes) {
    if (hole > from) parts.push([from, hole - 1n]);
    from = hole + 1n;
  }
  if (from <= last) parts.push([from, last]);
  return parts;
}

function defaultRoute(subnet: Subnet): JsonObject {
  return { dst: parseIpBlock(subnet.subnet).family === 4 ? "0.0.0.0/0" : "::/0" };
}
