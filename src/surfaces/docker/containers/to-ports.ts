import type { JsonObject } from "#base/json.ts";
import type { Container } from "#core/containers/container.ts";
import type { NetworkAttachment, PublishedPort } from "#core/networks/network.ts";
import { asObject, type DockerRecord } from "./records.ts";
import { parsePort } from "./to-networks.ts";

export type PortSummary = { IP?: string; PrivatePort: number; PublicPort?: number; Type: string };

type Binding = { readonly key: string; readonly hostIp: string; readonly hostPort: number };

/** `Ports` of a list: one entry for each address a port is published on, and one for each that is only exposed. */
export function toPortSummaries(container: Container, record: DockerRecord): PortSummary[] {
  if (!isUp(container)) return [];
  const bindings = publishedBindings(container);
  const published = bindings.map(({ key, hostIp, hostPort }): PortSummary => {
    const { containerPort, protocol } = parsePort(key);
    return { IP: hostIp, PrivatePort: containerPort, PublicPort: hostPort, Type: protocol };
  });
  const taken = new Set(bindings.map(({ key }) => key));
  const exposed = exposedPorts(record).filter((key) => !taken.has(key));
  return [...published, ...exposed.map(toExposed)];
}

function toExposed(key: string): PortSummary {
  const { containerPort, protocol } = parsePort(key);
  return { PrivatePort: containerPort, Type: protocol };
}

/** `NetworkSettings.Ports`: `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": null}`. */
export function toPortMap(container: Container, record: DockerRecord): JsonObject {
  if (!isUp(container)) return {};
  const map: JsonObject = Object.fromEntries(exposedPorts(record).map((key) => [key, null]));
  for (const { key, hostIp, hostPort } of publishedBindings(container)) {
    const list = map[key];
    const binding = { HostIp: hostIp, HostPort: String(hostPort) };
    map[key] = Array.isArray(list) ? [...list, binding] : [binding];
  }
  return map;
}

function publishedBindings({ attachments }: Container): Binding[] {
  return attachments.flatMap((attachment) => attachment.ports.flatMap((port) => toBindings(port, attachment)));
}

/** A port on every address is on those of IPv4, and of IPv6 where the container has one. */
function toBindings(port: PublishedPort, attachment: NetworkAttachment): Binding[] {
  const key = `${port.containerPort}/${port.protocol}`;
  const addresses =
    port.hostIp !== "" ? [port.hostIp] : attachment.ipv6 === undefined ? ["0.0.0.0"] : ["0.0.0.0", "::"];
  return addresses.map((hostIp) => ({ key, hostIp, hostPort: port.hostPort }));
}

function exposedPorts(record: DockerRecord): string[] {
  return Object.keys(asObject(record.config["ExposedPorts"]));
}

function isUp({ status }: Container): boolean {
  return status.state === "running" || status.state === "paused";
}
