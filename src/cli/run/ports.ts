export type PortBinding = { HostIp: string; HostPort: string };

export type PublishedPorts = {
  /** `80/tcp` to what is asked for on the host. */
  readonly bindings: Record<string, PortBinding[]>;
  readonly exposed: Record<string, object>;
};

const protocols = new Set(["tcp", "udp", "sctp"]);

/** Reads `-p` values (`[ip:][host[-end]:]container[-end][/proto]`) and `--expose` values. @throws Error */
export function parsePorts(publish: readonly string[], expose: readonly string[]): PublishedPorts {
  const bindings: Record<string, PortBinding[]> = {};
  const exposed: Record<string, object> = {};
  for (const text of publish) {
    for (const { container, binding } of parsePublish(text)) {
      (bindings[container] ??= []).push(binding);
      exposed[container] = {};
    }
  }
  for (const text of expose) {
    const { range, protocol } = splitProtocol(text);
    const [first, last] = parseRange(range, text);
    for (let port = first; port <= last; port++) exposed[`${port}/${protocol}`] = {};
  }
  return { bindings, exposed };
}

/** One `-p` value. @throws Error that says what is wrong with it */
export function parsePublish(text: string): { container: string; binding: PortBinding }[] {
  const { range, protocol } = splitProtocol(text);
  const match = /^(?:(?:(\[[^\]]*\]|[^:]*):)?([^:]*):)?([^:]+)$/.exec(range);
  if (match === null) throw new Error(`invalid port ${text}: not [ip:][host:]container[/proto]`);
  const address = (match[1] ?? "").replace(/^\[|\]$/g, "");
  if (address !== "" && !/^[\d.]+$|:/.test(address))
    throw new Error(`invalid port ${text}: ${address} is no IP address`);
  const [first, last] = parseRange(match[3] ?? "", text);
  const host = match[2] ?? "";
  if (host === "") return span(first, last, (port) => bind(port, protocol, address, ""));
  const [hostFirst, hostLast] = parseRange(host, text, 0);
  if (first === last && hostFirst !== hostLast) {
    // The daemon takes a free one of the range.
    return [bind(first, protocol, address, `${hostFirst}-${hostLast}`)];
  }
  if (hostLast - hostFirst !== last - first) throw new Error(`invalid port ${text}: the ranges differ in length`);
  return span(first, last, (port) => bind(port, protocol, address, String(hostFirst + port - first)));
}

function bind(port: number, protocol: string, address: string, host: string) {
  return { container: `${port}/${protocol}`, binding: { HostIp: address, HostPort: host } };
}

function span<T>(first: number, last: number, make: (port: number) => T): T[] {
  return Array.from({ length: last - first + 1 }, (_, at) => make(first + at));
}

function splitProtocol(text: string): { range: string; protocol: string } {
  const slash = text.lastIndexOf("/");
  const protocol = slash < 0 ? "tcp" : text.slice(slash + 1).toLowerCase();
  if (!protocols.has(protocol)) throw new Error(`invalid port ${text}: protocol ${protocol} is not tcp, udp or sctp`);
  return { range: slash < 0 ? text : text.slice(0, slash), protocol };
}

function parseRange(range: string, text: string, least = 1): [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first < least || last > 65535 || last < first) {
    throw new Error(
      `invalid port ${text}: ${range === "" ? "the container's port is missing" : `${range} is no port or range of ports (1 to 65535)`}`,
    );
  }
  return [first, last];
}
