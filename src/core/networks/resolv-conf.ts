import { findIpAddress } from "./ip-address.ts";

/** `/etc/resolv.conf` as far as a resolver reads it. Source: resolv.conf(5). */
export type ResolvConf = {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
};

/** Reads the text of a resolv.conf; lines that are not understood are left out. The last `search` or `domain` counts. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword = "", ...words] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver" && findIpAddress(withoutZone(words[0] ?? "")) !== undefined)
      servers.push(words[0] ?? "");
    if (keyword === "search" || keyword === "domain") searches = words;
    if (keyword === "options") options.push(...words);
  }
  return { servers, searches, options };
}

export function formatResolvConf(conf: ResolvConf): string {
  const lines = conf.servers.map((server) => `nameserver ${server}`);
  if (conf.searches.length > 0) lines.push(`search ${conf.searches.join(" ")}`);
  if (conf.options.length > 0) lines.push(`options ${conf.options.join(" ")}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** 127.0.0.0/8 and ::1: means another machine in another linux namespace. */
export function isLoopback(address: string): boolean {
  const found = findIpAddress(withoutZone(address));
  if (found === undefined) return false;
  return found.family === 4 ? found.value >> 24n === 127n : found.value === 1n;
}

function withoutZone(address: string): string {
  return address.split("%")[0] ?? "";
}
