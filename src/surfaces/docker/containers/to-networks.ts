import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { LinuxNamespaceMode, NetworkRequest, PortRequest } from "#core/containers/container-config.ts";
import type { PortProtocol } from "#core/networks/network.ts";
import { maxItems } from "./host-config-shape.ts";

export type NetworkPart = {
  readonly mode: LinuxNamespaceMode;
  readonly networks: NetworkRequest[];
  readonly ports: PortRequest[];
  readonly warnings: string[];
};

export type NetworkOptions = {
  readonly api: number;
  /** `80/tcp`: the request's and the image's. */
  readonly exposedPorts: readonly string[];
  /** Full ids of the containers that `container:` modes name. */
  readonly containerIds: ReadonlyMap<string, string>;
};

/**
 * `NetworkMode`, `EndpointsConfig`, `PortBindings` and `ExposedPorts` of a request.
 *
 * @throws invalidArgument with Docker's texts
 */
export function toNetworks(body: JsonReader, options: NetworkOptions): NetworkPart {
  const host = body.at("HostConfig");
  const name = networkModeOf(host);
  const disabled = body.at("NetworkDisabled").boolean();
  const mode = disabled ? { t: "private" as const } : toNamespaceMode(name, "network", options.containerIds);
  const endpoints = body.at("NetworkingConfig").at("EndpointsConfig");
  const onNetwork = mode.t === "private" && name !== "none" && !disabled;
  const hasBindings = host.at("PortBindings").keys().length > 0;
  return {
    mode,
    networks: onNetwork ? toRequests(body, endpoints, name, options.api) : [],
    ports: onNetwork ? toPorts(host, options.exposedPorts) : [],
    warnings: mode.t === "host" && hasBindings ? ["Published ports are discarded when using host network mode"] : [],
  };
}

/** `default` and nothing are `bridge`. */
export function networkModeOf(host: JsonReader): string {
  const mode = host.at("NetworkMode").optionalString() ?? "";
  return mode === "" || mode === "default" ? "bridge" : mode;
}

/** `host`, `container:<id or name>`, anything else is its own. @throws invalidArgument for `container:` alone */
export function toNamespaceMode(
  text: string,
  what: string,
  containerIds: ReadonlyMap<string, string>,
): LinuxNamespaceMode {
  if (text === "host") return { t: "host" };
  if (!text.startsWith("container:")) return { t: "private" };
  const target = text.slice("container:".length);
  if (target === "") throw bad(`invalid ${what} mode: invalid container format container:<name|id>`);
  return { t: "container", containerId: containerIds.get(target) ?? target };
}

function toRequests(body: JsonReader, endpoints: JsonReader, primary: string, api: number): NetworkRequest[] {
  const keys = endpoints.keys().map((key) => ({ key, network: key === "default" ? "bridge" : key }));
  if (api < 44 && keys.length > 1) {
    const names = keys.map(({ key }) => key).join(", ");
    throw bad(`Container cannot be created with multiple network endpoints: ${names}`);
  }
  const found = keys.map(({ key, network }) => toRequest(network, endpoints.at(key), api));
  // Before 1.44 the one endpoint was the main network's, whatever its key.
  const main =
    api < 44 && found[0] !== undefined
      ? { ...found[0], network: primary }
      : (found.find(({ network }) => network === primary) ?? { network: primary, aliases: [] });
  const macAddress = api < 52 ? body.at("MacAddress").optionalString() : undefined;
  const others = api < 44 ? [] : found.filter((request) => request !== main);
  return [{ ...main, ...(macAddress ? { macAddress } : {}) }, ...others];
}

/** An `EndpointSettings` of a create or connect request. */
export function toRequest(network: string, endpoint: JsonReader, api: number): NetworkRequest {
  if (endpoint.at("Links").strings(maxItems).length > 0) throw bad("EndpointSettings.Links: not supported");
  const text = (reader: JsonReader) => reader.optionalString() ?? "";
  const ipam = endpoint.at("IPAMConfig");
  const [ipv4Address, ipv6Address] = [text(ipam.at("IPv4Address")), text(ipam.at("IPv6Address"))];
  const macAddress = api < 44 ? "" : text(endpoint.at("MacAddress"));
  const aliases = endpoint.at("Aliases").strings(maxItems);
  if (network === "bridge") {
    if (aliases.length > 0) {
      throw bad("network-scoped alias is supported only for containers in user defined networks");
    }
    if (ipv4Address !== "" || ipv6Address !== "") {
      throw bad("user specified IP address is supported on user defined networks only");
    }
  }
  return {
    network,
    aliases,
    ...(ipv4Address === "" ? {} : { ipv4Address }),
    ...(ipv6Address === "" ? {} : { ipv6Address }),
    ...(macAddress === "" ? {} : { macAddress }),
  };
}

function toPorts(host: JsonReader, exposed: readonly string[]): PortRequest[] {
  const bindings = host.at("PortBindings");
  const bound = bindings.keys().flatMap((key) => {
    const list = bindings.at(key).list(maxItems);
    if (list.length === 0) return [portRequest(key, "", 0)];
    return list.map((binding) =>
      portRequest(
        key,
        binding.at("HostIp").optionalString() ?? "",
        parseHostPort(binding.at("HostPort").optionalString() ?? ""),
      ),
    );
  });
  if (!host.at("PublishAllPorts").boolean()) return bound;
  const taken = new Set(bindings.keys().map(portKey));
  const rest = exposed.filter((key) => !taken.has(portKey(key))).map((key) => portRequest(key, "", 0));
  return [...bound, ...rest];
}

/** `80`, `80/udp`. @throws invalidArgument */
export function parsePort(text: string): { containerPort: number; protocol: PortProtocol } {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const containerPort = Number(match?.[1] ?? 0);
  if (match === null || containerPort < 1 || containerPort > 65_535) throw bad(`invalid port specification: "${text}"`);
  const protocol = (match[2] ?? "tcp").toLowerCase();
  return { containerPort, protocol: protocol === "udp" || protocol === "sctp" ? protocol : "tcp" };
}

/** `80/tcp` of `80`. */
export function portKey(text: string): string {
  const { containerPort, protocol } = parsePort(text);
  return `${containerPort}/${protocol}`;
}

/** `0.0.0.0` is every address, as nothing is. */
function portRequest(key: string, hostIp: string, hostPort: number): PortRequest {
  return { ...parsePort(key), hostIp: hostIp === "0.0.0.0" ? "" : hostIp, hostPort };
}

function parseHostPort(text: string): number {
  if (text === "") return 0;
  if (/^\d{1,5}-\d{1,5}$/.test(text))
    throw bad(`HostConfig.PortBindings: range "${text}" of host ports: not supported`);
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw bad(`invalid port specification: "${text}"`);
}

function bad(message: string): EngineError {
  return new EngineError("invalidArgument", message);
}
