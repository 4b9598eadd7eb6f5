import { createHash } from "node:crypto";

/** Names and address ranges of one daemon on this machine; a second one (another state directory) gets others. */
export type Instance = {
  readonly chainPrefix: string;
  readonly defaultBridge: string;
  /** A network that names no subnet gets the first free `prefixLength` block of these, in order. */
  readonly addressPools: readonly AddressPool[];
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
export function instanceOf(stateDirectory: string): Instance {
  if (stateDirectory === "/run/ferry") {
    return { chainPrefix: "FERRY", defaultBridge: "ferry0", addressPools: dockersPools };
  }
  const hash = createHash("sha256").update(stateDirectory).digest();
  const tag = hash.toString("hex").slice(0, 6);
  const own = { base: `10.${hash.readUInt8(4) % 128}.${hash.readUInt8(5) & 0xf0}.0/20`, prefixLength: 24 };
  return { chainPrefix: `FERRY-${tag}`, defaultBridge: `ferry-${tag}`, addressPools: [own, ...dockersPools] };
}
