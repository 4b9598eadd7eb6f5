import { EngineError } from "#base/errors.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import { findIpAddress } from "#core/networks/ip-address.ts";
import type { NetworkAttachment } from "#core/networks/network.ts";
import { formatResolvConf, isLoopback, parseResolvConf, type ResolvConf } from "#core/networks/resolv-conf.ts";

/** What a host without a resolver of its own falls back on. Source: moby daemon/libnetwork/internal/resolvconf. */
const fallbackServers = { ipv4: ["8.8.8.8", "8.8.4.4"], ipv6: ["2001:4860:4860::8888", "2001:4860:4860::8844"] };

const staticHosts = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/**
 * `/etc/hosts` of a container, as Docker writes it: fixed lines, `extraHosts` (`host-gateway` stands for
 * `hostGateway`), then its own addresses. With host networking and no extra hosts, copy the host's file instead.
 *
 * @throws invalidArgument for an extra host that is not `name:address`
 */
export function hostsFile(
  config: Pick<ContainerConfig, "hostname" | "domainname" | "extraHosts">,
  attachments: readonly NetworkAttachment[],
  hostGateway?: string,
): string {
  const extra = config.extraHosts.map((entry) => extraHostLine(entry, hostGateway ?? gatewayOf(attachments)));
  const full = config.domainname === "" ? config.hostname : `${config.hostname}.${config.domainname}`;
  const names = full.includes(".") ? `${full} ${full.split(".")[0]}` : full;
  const addresses = attachments.flatMap(({ ipv4, ipv6 }) => [ipv4?.address, ipv6?.address]);
  const own = addresses.filter((address) => address !== undefined).map((address) => `${address}\t${names}`);
  return [...staticHosts, ...extra, ...own].map((line) => `${line}\n`).join("");
}

/**
 * `/etc/resolv.conf` of a container.
 *
 * - `host`: the host's own, with what the container's config overrides.
 * - `named` (`servers` not empty: it is on a network with names): those servers only; they pass the rest on.
 * - otherwise: the host's without loopback addresses, which mean nothing inside; public ones where none is left.
 */
export function resolvConf(request: {
  /** Text of the host's file: see `readHostResolvConf`. */
  readonly hostText: string;
  readonly dns: ContainerConfig["dns"];
  readonly networkMode: "host" | "private";
  /** `names.serversFor(networks)`. */
  readonly servers: readonly string[];
  readonly ipv6: boolean;
}): string {
  const conf = overridden(parseResolvConf(request.hostText), request.dns);
  if (request.networkMode === "host") return formatResolvConf(conf);
  if (request.servers.length > 0) return formatResolvConf(withNameService(conf, request.servers));
  if (request.dns.servers.length > 0) return formatResolvConf(conf);
  const usable = conf.servers.filter((server) => !isLoopback(server) && (request.ipv6 || !server.includes(":")));
  const fallback = request.ipv6 ? [...fallbackServers.ipv4, ...fallbackServers.ipv6] : fallbackServers.ipv4;
  return formatResolvConf({ ...conf, servers: usable.length > 0 ? usable : fallback });
}

function overridden(conf: ResolvConf, dns: ContainerConfig["dns"]): ResolvConf {
  const searches = dns.searches.length > 0 ? dns.searches : conf.searches;
  return {
    servers: dns.servers.length > 0 ? dns.servers : conf.servers,
    // "." asks for none.
    searches: searches.length === 1 && searches[0] === "." ? [] : searches,
    options: dns.options.length > 0 ? dns.options : conf.options,
  };
}

/** `ndots:0`: a container's name is asked as it is before any search domain is tried. */
function withNameService(conf: ResolvConf, servers: readonly string[]): ResolvConf {
  const options = conf.options.filter((option) => !/^ndots:(?!\d+$)/.test(option));
  const hasNdots = options.some((option) => option.startsWith("ndots:"));
  return { ...conf, servers, options: hasNdots ? options : [...options, "ndots:0"] };
}

function extraHostLine(entry: string, hostGateway: string | undefined): string {
  const [, name = "", given = ""] = /^([^:=]+)[:=](.+)$/.exec(entry) ?? [];
  const address = given === "host-gateway" ? hostGateway : given.replace(/^\[(.*)\]$/, "$1");
  if (given === "host-gateway" && address === undefined) {
    throw new EngineError("invalidArgument", "unable to derive the IP value for host-gateway");
  }
  if (name === "" || address === undefined || findIpAddress(address) === undefined) {
    throw new EngineError("invalidArgument", `invalid IP address in add-host: ${JSON.stringify(given)}`);
  }
  return `${address}\t${name}`;
}

function gatewayOf(attachments: readonly NetworkAttachment[]): string | undefined {
  const gateways = attachments.map(({ ipv4, ipv6 }) => ipv4?.gateway ?? ipv6?.gateway);
  return gateways.find((gateway) => gateway !== undefined && gateway !== "");
}
