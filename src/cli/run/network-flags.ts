import { CliError } from "../cli-error.ts";
import type { Flags } from "../flags.ts";
import { splitCsv } from "./mounts.ts";

export type EndpointSettings = {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  Aliases?: string[];
  Links?: string[];
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
  GwPriority?: number;
};

export type NetworkChoice = {
  /** `HostConfig.NetworkMode`. */
  readonly mode: string;
  /** By network name, in the order given. */
  readonly endpoints: ReadonlyMap<string, EndpointSettings>;
};

/** Reads `--network` (several, plain or `name=x,alias=y,ip=z`) and the flags that belong to the first of them. @throws CliError */
export function readNetworks(flags: Flags): NetworkChoice {
  const endpoints = new Map<string, EndpointSettings>();
  for (const text of [...flags.list("network"), ...flags.list("net")]) {
    const { name, settings } = parseNetwork(text);
    if (endpoints.has(name)) throw new CliError(`network "${name}" is specified multiple times`, { exitCode: 125 });
    endpoints.set(name, settings);
  }
  const [mode = "default"] = endpoints.keys();
  const first = { ...endpoints.get(mode), ...plainSettings(flags) };
  const isAttachable = !/^(host|none|container:.*)$/.test(mode);
  if (Object.keys(first).length > 0) endpoints.set(mode, first);
  if (!isAttachable && endpoints.size > 1) {
    throw new CliError(`conflicting options: cannot attach both ${mode} and other networks`, { exitCode: 125 });
  }
  return { mode, endpoints: isAttachable ? endpoints : new Map() };
}

function plainSettings(flags: Flags): EndpointSettings {
  const aliases = [...flags.list("network-alias"), ...flags.list("net-alias")];
  const [v4, v6, local] = [flags.text("ip"), flags.text("ip6"), flags.list("link-local-ip")];
  const links = flags.list("link");
  const mac = flags.text("mac-address");
  const ipam = {
    ...(v4 === undefined ? {} : { IPv4Address: v4 }),
    ...(v6 === undefined ? {} : { IPv6Address: v6 }),
    ...(local.length === 0 ? {} : { LinkLocalIPs: [...local] }),
  };
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(Object.keys(ipam).length === 0 ? {} : { IPAMConfig: ipam }),
    ...(links.length === 0 ? {} : { Links: [...links] }),
    ...(mac === undefined ? {} : { MacAddress: mac }),
  };
}

function parseNetwork(text: string): { name: string; settings: EndpointSettings } {
  if (!text.includes("=")) return { name: text, settings: {} };
  const settings: EndpointSettings = {};
  let name = "";
  for (const field of splitCsv(text)) {
    const equals = field.indexOf("=");
    const key = field.slice(0, equals < 0 ? undefined : equals).trim();
    const value = equals < 0 ? "" : field.slice(equals + 1).trim();
    if (key === "name") name = value;
    else if (key === "alias") (settings.Aliases ??= []).push(value);
    else if (key === "ip") (settings.IPAMConfig ??= {}).IPv4Address = value;
    else if (key === "ip6") (settings.IPAMConfig ??= {}).IPv6Address = value;
    else if (key === "link-local-ip") ((settings.IPAMConfig ??= {}).LinkLocalIPs ??= []).push(value);
    else if (key === "mac-address") settings.MacAddress = value;
    else if (key === "gw-priority") settings.GwPriority = Number(value);
    else if (key === "driver-opt") {
      const at = value.indexOf("=");
      (settings.DriverOpts ??= {})[value.slice(0, at)] = value.slice(at + 1);
    } else throw new CliError(`--network ${text}: unknown key ${key}`, { exitCode: 125 });
  }
  if (name === "") throw new CliError(`--network ${text}: its name is missing`, { exitCode: 125 });
  return { name, settings };
}
