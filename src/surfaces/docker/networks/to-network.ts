import type { JsonObject } from "#base/json.ts";
import type { Container } from "#core/containers/container.ts";
import type { Network, Subnet } from "#core/networks/network.ts";
import { goTime } from "../go-time.ts";

/** A network as list and inspect show it. Source: moby api/types/network/network.go. */
export function toNetwork(network: Network, api: number): JsonObject {
  return {
    Name: network.name,
    Id: network.id,
    Created: goTime(network.createdAtNs),
    Scope: "local",
    Driver: network.driver === "none" ? "null" : network.driver,
    ...(api < 48 ? {} : { EnableIPv4: true }),
    EnableIPv6: network.ipv6,
    IPAM: { Driver: "default", Options: null, Config: network.subnets.map(toIpamConfig) },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Options: { ...network.options },
    Labels: { ...network.labels },
    ...(api < 52 ? { Containers: {} } : {}),
  };
}

/** With the containers that are on it now. */
export function toNetworkInspect(network: Network, containers: readonly Container[], api: number): JsonObject {
  const endpoints = containers.flatMap(({ id, name, attachments }) =>
    attachments
      .filter(({ networkId }) => networkId === network.id)
      .map(({ endpointId, macAddress, ipv4, ipv6 }): [string, JsonObject] => [
        id,
        {
          Name: name,
          EndpointID: endpointId,
          MacAddress: macAddress,
          IPv4Address: ipv4 === undefined ? "" : `${ipv4.address}/${ipv4.prefixLength}`,
          IPv6Address: ipv6 === undefined ? "" : `${ipv6.address}/${ipv6.prefixLength}`,
        },
      ]),
  );
  return { ...toNetwork(network, api), Containers: Object.fromEntries(endpoints) };
}

function toIpamConfig({ subnet, gateway, ipRange, auxAddresses }: Subnet): JsonObject {
  return {
    Subnet: subnet,
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
    Gateway: gateway,
    ...(auxAddresses === undefined ? {} : { AuxiliaryAddresses: { ...auxAddresses } }),
  };
}
