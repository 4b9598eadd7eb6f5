import type { PortProtocol } from "#core/networks/network.ts";

/** What the firewall has to know of one network in one address family. */
export type FirewalledNetwork = { readonly bridge: string; readonly subnet: string; readonly internal: boolean };

/** One published port: packets for `hostIp:hostPort` go to `address:containerPort`. */
export type Forwarding = {
  readonly protocol: PortProtocol;
  /** Empty: every address of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly address: string;
  readonly containerPort: number;
};

/** A built-in chain's rule that leads into one of ours. */
export type Jump = { readonly table: "nat" | "filter"; readonly chain: string; readonly rule: readonly string[] };

type Family = 4 | 6;

const ours = { ports: "PORTS", masquerade: "MASQ", forward: "FORWARD", input: "INPUT" } as const;

/** Our chains by table; `prefix` keeps several daemons on one machine apart. */
export function chainsOf(prefix: string): { nat: string[]; filter: string[] } {
  return {
    nat: [`${prefix}-${ours.ports}`, `${prefix}-${ours.masquerade}`],
    filter: [`${prefix}-${ours.forward}`, `${prefix}-${ours.input}`],
  };
}

/** Loopback addresses are published to the host alone, so packets from outside that claim one never enter. */
export function jumpsOf(prefix: string, family: Family): Jump[] {
  const local = ["-m", "addrtype", "--dst-type", "LOCAL", "-j", `${prefix}-${ours.ports}`];
  const fromOutside = family === 4 ? ["!", "-d", "127.0.0.0/8", ...local] : local;
  return [
    { table: "nat", chain: "PREROUTING", rule: fromOutside },
    { table: "nat", chain: "OUTPUT", rule: local },
    { table: "nat", chain: "POSTROUTING", rule: ["-j", `${prefix}-${ours.masquerade}`] },
    { table: "filter", chain: "FORWARD", rule: ["-j", `${prefix}-${ours.forward}`] },
    { table: "filter", chain: "INPUT", rule: ["-j", `${prefix}-${ours.input}`] },
  ];
}

/** Input of `iptables-restore --noflush`: replaces the content of our chains, whatever it was, in one transaction per table. */
export function formatRules(
  prefix: string,
  family: Family,
  state: { networks: readonly FirewalledNetwork[]; forwardings: readonly Forwarding[] },
): string {
  const { nat, filter } = chainsOf(prefix);
  const lines = [
    "*nat",
    ...nat.map((chain) => `:${chain} - [0:0]`),
    ...state.forwardings.map((forwarding) => formatForwarding(prefix, family, forwarding)),
    ...state.networks.flatMap((network) => masquerade(network, family)).map((rule) => `-A ${prefix}-MASQ ${rule}`),
    "COMMIT",
    "*filter",
    ...filter.map((chain) => `:${chain} - [0:0]`),
    ...forward(state.networks).map((rule) => `-A ${prefix}-${ours.forward} ${rule}`),
    ...state.networks.flatMap((network) => input(network, family)).map((rule) => `-A ${prefix}-INPUT ${rule}`),
    "COMMIT",
  ];
  return `${lines.join("\n")}\n`;
}

/** The line that appends one published port. */
export function formatForwarding(prefix: string, family: Family, forwarding: Forwarding): string {
  const { protocol, hostIp, hostPort, address, containerPort } = forwarding;
  const target = family === 4 ? `${address}:${containerPort}` : `[${address}]:${containerPort}`;
  const destination = hostIp === "" ? "" : `-d ${hostIp} `;
  return `-A ${prefix}-${ours.ports} ${destination}-p ${protocol} -m ${protocol} --dport ${hostPort} -j DNAT --to-destination ${target}`;
}

/**
 * Second rule: a container that reaches itself or a neighbour through a published port would get the answer from an
 * address it did not ask. Third: the host's loopback address means nothing inside a container.
 */
function masquerade({ bridge, subnet, internal }: FirewalledNetwork, family: Family): string[] {
  const rules = internal ? [] : [`-s ${subnet} ! -o ${bridge} -j MASQUERADE`];
  rules.push(`-s ${subnet} -o ${bridge} -m conntrack --ctstate DNAT -j MASQUERADE`);
  if (family === 4) rules.push(`-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`);
  return rules;
}

/**
 * Answers pass; published ports pass; everything else into a bridge from elsewhere is refused, so networks are closed
 * to each other; then whatever comes out of a bridge passes. The order is over all networks, not per network.
 */
function forward(networks: readonly FirewalledNetwork[]): string[] {
  const answers = networks.map(({ bridge }) => `-o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`);
  const closed = networks.flatMap(({ bridge, internal }) =>
    internal
      ? [`! -i ${bridge} -o ${bridge} -j DROP`, `-i ${bridge} ! -o ${bridge} -j DROP`]
      : [`! -i ${bridge} -o ${bridge} -m conntrack --ctstate DNAT -j ACCEPT`, `! -i ${bridge} -o ${bridge} -j DROP`],
  );
  return [...answers, ...closed, ...networks.map(({ bridge }) => `-i ${bridge} -j ACCEPT`)];
}

/**
 * `route_localnet` (published ports on 127.0.0.1) would open the host's loopback services to neighbours: CVE-2020-8558.
 * Names are asked at the gateway, also where the host's policy is to refuse.
 */
function input({ bridge }: FirewalledNetwork, family: Family): string[] {
  const guard = `-i ${bridge} -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`;
  const names = ["udp", "tcp"].map((protocol) => `-i ${bridge} -p ${protocol} -m ${protocol} --dport 53 -j ACCEPT`);
  return family === 4 ? [guard, ...names] : names;
}
