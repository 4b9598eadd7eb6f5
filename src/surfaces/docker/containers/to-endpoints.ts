import type { JsonObject } from "#base/json.ts";
import type { Container } from "#core/containers/container.ts";
import type { NetworkRequest } from "#core/containers/container-config.ts";
import type { NetworkAttachment } from "#core/networks/network.ts";
import { asObject, asText, type DockerRecord } from "./records.ts";

/** `NetworkSettings.Networks`: by name, what was asked for and, while attached, what it got. */
export function toEndpoints(container: Container, record: DockerRecord, api: number): JsonObject {
  const { config, attachments } = container;
  const networks: [string, JsonObject][] = config.networks.map((request) => {
    const attachment = attachments.find(
      ({ networkName, networkId }) => networkName === request.network || networkId.startsWith(request.network),
    );
    const name = attachment?.networkName ?? request.network;
    return [name, toEndpoint(container, { request, attachment, record, api })];
  });
  if (networks.length > 0) return Object.fromEntries(networks);
  const mode = asText(record.hostConfig["NetworkMode"]);
  const lone = config.linuxNamespaces.network.t === "host" ? "host" : mode === "none" ? "none" : undefined;
  if (lone === undefined) return {};
  const request: NetworkRequest = { network: lone, aliases: [] };
  return { [lone]: toEndpoint(container, { request, attachment: undefined, record, api }) };
}

type EndpointParts = {
  readonly request: NetworkRequest;
  readonly attachment: NetworkAttachment | undefined;
  readonly record: DockerRecord;
  readonly api: number;
};

/** Source: moby api/types/network/endpoint.go. */
function toEndpoint(container: Container, { request, attachment, record, api }: EndpointParts): JsonObject {
  const asked = asObject(record.endpoints[request.network]);
  const shortId = container.id.slice(0, 12);
  const isUserDefined = !["bridge", "host", "none"].includes(request.network);
  const aliases = [...request.aliases];
  const names = isUserDefined ? [...new Set([container.name, ...aliases, shortId])] : [];
  return {
    IPAMConfig: asked["IPAMConfig"] ?? ipamConfig(request),
    Links: null,
    Aliases: api < 45 && isUserDefined ? [...new Set([...aliases, shortId])] : aliases.length > 0 ? aliases : null,
    MacAddress: attachment?.macAddress ?? "",
    DriverOpts: asked["DriverOpts"] ?? null,
    ...(api < 48 ? {} : { GwPriority: 0 }),
    NetworkID: attachment?.networkId ?? "",
    EndpointID: attachment?.endpointId ?? "",
    ...toAddresses(attachment),
    ...(api < 44 ? {} : { DNSNames: names.length > 0 ? names : null }),
  };
}

/** The address fields of an endpoint, which older versions have at the top of NetworkSettings too. */
export function toAddresses(attachment: NetworkAttachment | undefined): JsonObject {
  return {
    Gateway: attachment?.ipv4?.gateway ?? "",
    IPAddress: attachment?.ipv4?.address ?? "",
    IPPrefixLen: attachment?.ipv4?.prefixLength ?? 0,
    IPv6Gateway: attachment?.ipv6?.gateway ?? "",
    GlobalIPv6Address: attachment?.ipv6?.address ?? "",
    GlobalIPv6PrefixLen: attachment?.ipv6?.prefixLength ?? 0,
  };
}

function ipamConfig({ ipv4Address, ipv6Address }: NetworkRequest): JsonObject | null {
  if (ipv4Address === undefined && ipv6Address === undefined) return null;
  return {
    ...(ipv4Address === undefined ? {} : { IPv4Address: ipv4Address }),
    ...(ipv6Address === undefined ? {} : { IPv6Address: ipv6Address }),
  };
}
