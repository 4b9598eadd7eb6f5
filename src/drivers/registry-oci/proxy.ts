import { BlockList, isIP } from "node:net";
import type { ProxySettings } from "./registry-config.ts";

/** The proxy for `url`, or undefined for a direct connection. Source: Go's http/httpproxy, which Docker and containerd use. */
export function proxyFor(url: URL, settings: ProxySettings): string | undefined {
  const proxy = url.protocol === "https:" ? settings.https : settings.http;
  if (proxy === undefined || isLoopback(url.hostname) || isExcepted(url, settings.no ?? "")) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** `localhost`, its subdomains, 127.0.0.0/8 and ::1. */
export function isLoopback(hostname: string): boolean {
  const name = bare(hostname);
  return name === "localhost" || name.endsWith(".localhost") || matchesRange(name, ["127.0.0.0/8", "::1/128"]);
}

/** Whether an address lies in one of `ranges` (CIDR or single addresses); a name never does. */
export function matchesRange(hostname: string, ranges: readonly string[]): boolean {
  const address = bare(hostname);
  if (isIP(address) === 0) return false;
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}

function addRange(list: BlockList, range: string): void {
  const [network = "", prefix] = range.split("/");
  const family = isIP(network);
  if (family === 0) return;
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
  if (Number.isInteger(bits) && bits >= 0 && bits <= (family === 4 ? 32 : 128)) {
    list.addSubnet(network, bits, family === 4 ? "ipv4" : "ipv6");
  }
}

function isExcepted(url: URL, exceptions: string): boolean {
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return exceptions
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || matchesRange(host, [entry]) || matchesName(entry, host, port));
}

/** `example.com` and `.example.com` cover subdomains, the first also itself; `:port` narrows. */
function matchesName(entry: string, host: string, port: string): boolean {
  const [, name = entry, entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (entryPort !== undefined && entryPort !== port) return false;
  const domain = bare(name).replace(/^\*?\./, "");
  const ownToo = !name.startsWith(".") && !name.startsWith("*.");
  return (ownToo && host === domain) || host.endsWith(`.${domain}`);
}

function bare(hostname: string): string {
  return hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
}
