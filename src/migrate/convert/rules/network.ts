import type { AddressPool } from "../../docker-config/daemon-keys.ts";
import type { Fact } from "../../host/source.ts";
import { isAddressRange } from "../address-range.ts";
import type { Draft } from "../draft.ts";
import type { Rules } from "./rule.ts";

type NetworkKey = "bip" | "bip6" | "bridge" | "default-address-pools" | "fixed-cidr" | "ip-forward" | "ipv6";

const ofDocker0 = "docker0's; pods get their network from CNI";

/** Docker's own bridge: Ferry has one too, for Docker's clients; no other runtime does. */
export const networkRules: Rules<NetworkKey> = {
  bip: (fact, draft, key) => {
    if (!isAddressRange(fact.value) || fact.value.includes(":")) return invalid(fact, draft, key);
    const to = draft.put("defaultNetworkSubnet", subnetOf(fact.value));
    if (to === undefined) draft.record("unneeded", key, fact, { note: ofDocker0 });
    else draft.record("changed", key, fact, { to: [to], note: "as a subnet; its first address is the bridge's" });
  },
  bip6: unneeded,
  bridge: (fact, draft, key) => {
    const to = fact.value === "none" ? undefined : draft.put("defaultNetworkBridge", fact.value);
    if (to === undefined) draft.record("unneeded", key, fact, { note: ofDocker0 });
    else draft.record("kept", key, fact, { to: [to], note: "of the default network" });
  },
  "default-address-pools": (fact, draft, key) => {
    if (!fact.value.every(isPool)) return invalid(fact, draft, key);
    const pools = fact.value.map(({ base, size }) => `${base}:${size}`);
    const to = draft.put("networkPools", pools);
    if (to === undefined) draft.record("unneeded", key, fact, { note: ofDocker0 });
    else draft.record("kept", key, fact, { to: [to], note: "for networks of Docker's clients" });
  },
  "fixed-cidr": (fact, draft, key) => {
    if (!isAddressRange(fact.value)) return invalid(fact, draft, key);
    const isFree = draft.settings.bip === undefined;
    const to = isFree ? draft.put("defaultNetworkSubnet", fact.value) : undefined;
    if (to === undefined) draft.record("unneeded", key, fact, { note: ofDocker0 });
    else draft.record("kept", key, fact, { to: [to], note: "of the default network" });
  },
  "ip-forward": (fact, draft, key) => {
    const note = fact.value
      ? "Docker switched net.ipv4.ip_forward on; from now on the host's own sysctl file has to"
      : "forwarding is the host's own business already";
    draft.record("unneeded", key, fact, {
      note,
      ...(fact.value && { action: "write net.ipv4.ip_forward = 1 to /etc/sysctl.d" }),
    });
  },
  ipv6: (fact, draft, key) => {
    const to = draft.put("ipv6", fact.value);
    if (to === undefined) draft.record("unneeded", key, fact, { note: ofDocker0 });
    else draft.record("kept", key, fact, { to: [to], note: "of the default network" });
  },
};

function unneeded(fact: Fact<unknown>, draft: Draft, key: string): void {
  draft.record("unneeded", key, fact, { note: ofDocker0 });
}

/** It would be written into a file that the new runtime does not start with. */
function invalid(fact: Fact<unknown>, draft: Draft, key: string): void {
  draft.record("invalid", key, fact, { note: "invalid CIDR address" });
}

function isPool({ base, size }: AddressPool): boolean {
  return isAddressRange(base) && isAddressRange(`${base.split("/")[0] ?? ""}/${size}`);
}

/** `192.168.5.1/24` → `192.168.5.0/24`. */
function subnetOf(address: string): string {
  const [ip = "", bits = "32"] = address.split("/");
  const number = ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(number / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${bits}`;
}
