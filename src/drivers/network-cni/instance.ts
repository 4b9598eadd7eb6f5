import { createHash } from "node:crypto";
import { EngineError } from "#base/errors.ts";
import { formatIpBlock, parseIpBlock } from "#core/networks/ip-address.ts";

/** Names and address ranges of one daemon on this machine; a second one (another state directory) gets others. */
export type Instance = {
  readonly chainPrefix: string;
  readonly defaultBridge: string;
  /** A network that names no subnet gets the first free `prefixLength` block of these, in order. */
  readonly addressPools: readonly AddressPool[];
  /** For the default network, where the operator chose one. */
  readonly defaultSubnet?: string;
  /** Whether the default network has IPv6, too. */
  readonly defaultIpv6: boolean;
};

/** What the operator chose (`[network]` in the configuration); empty stands for the default. */
export type NetworkSettings = {
  readonly bridge: string;
  readonly subnet: string;
  /** `192.168.0.0/16:20`; without `:20` the range is one network. */
  readonly pools: readonly string[];
  readonly ipv6: boolean;
};

export type AddressPool = { readonly base: string; readonly prefixLength: number };

/** Docker's own default pools, in its order. Source: moby daemon/libnetwork/ipamutils. */
const dockersPools: readonly AddressPool[] = [
  { base: "172.17.0.0/16", prefixLength: 16 },
  { base: "172.18.0.0/16", prefixLength: 16 },
  { base: "172.19.0.0/16", prefixLength: 16 },
  { base: "172.20.0.0/14", prefixLength: 16 },
  { base: "172.24.0.0/14", prefixLength: 16 },
  { base: "172.28.0.0/14", prefixLength: 16 },
  { base: "192.168.0.0/16", prefixLength: 20 },
];

/**
 * The machine's main daemon (`/run/ferry`) has Docker's ranges. Another one has a /20 of its own first, by a hash of its
 * state directory: it must not claim the main one's before that has put its bridge up.
 */
export function instanceOf(stateDirectory: string, settings?: NetworkSettings): Instance {
  const { chainPrefix, defaultBridge, addressPools } = defaultsFor(stateDirectory);
  return {
    chainPrefix,
    defaultBridge: settings?.bridge || defaultBridge,
    addressPools: settings?.pools.length ? settings.pools.map(parsePool) : addressPools,
    defaultIpv6: settings?.ipv6 ?? false,
    ...(settings?.subnet && { defaultSubnet: formatIpBlock(parseIpBlock(settings.subnet)) }),
  };
}

function defaultsFor(stateDirectory: string): Pick<Instance, "chainPrefix" | "defaultBridge" | "addressPools"> {
  if (stateDirectory === "/run/ferry") {
    return { chainPrefix: "FERRY", defaultBridge: "ferry0", addressPools: dockersPools };
  }
  const hash = createHash("sha256").update(stateDirectory).digest();
  const tag = hash.toString("hex").slice(0, 6);
  const own = { base: `10.${hash.readUInt8(4) % 128}.${hash.readUInt8(5) & 0xf0}.0/20`, prefixLength: 24 };
  return { chainPrefix: `FERRY-${tag}`, defaultBridge: `ferry-${tag}`, addressPools: [own, ...dockersPools] };
}

function parsePool(text: string): AddressPool {
  const [, base = "", size] = /^([0-9a-f.:]+\/\d+)(?::(\d+))?$/i.exec(text) ?? [];
  const block = parseIpBlock(base === "" ? text : base);
  const prefixLength = size === undefined ? block.prefixLength : Number(size);
  if (block.family === 4 && prefixLength >= block.prefixLength && prefixLength <= 30) {
    return { base: formatIpBlock(block), prefixLength };
  }
  throw new EngineError("invalidArgument", `network pool ${text}: want an IPv4 range and the size of its pieces`);
}
