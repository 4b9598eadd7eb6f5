import { readFile, writeFile } from "node:fs/promises";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Network, NetworkAttachment } from "#core/networks/network.ts";
import { hostsFile, resolvConf } from "./container-files.ts";
import type { Engine } from "./engine.ts";
import { readHostResolvConf } from "./host-resolv-conf.ts";

export type NetworkFiles = {
  readonly container: Container;
  readonly attachments: readonly NetworkAttachment[];
  readonly etc: { readonly hosts: string; readonly resolvConf: string };
};

/** Writes `/etc/hosts` and `/etc/resolv.conf` of a container, in place: they may be mounted in it already. */
export async function writeNetworkFiles(call: Call, engine: Engine, files: NetworkFiles): Promise<void> {
  const [hosts, resolv] = await Promise.all([hostsText(files), resolvText(call, engine, files)]);
  await Promise.all([writeFile(files.etc.hosts, hosts), writeFile(files.etc.resolvConf, resolv)]);
}

async function hostsText({ container: { config }, attachments }: NetworkFiles): Promise<string> {
  if (config.linuxNamespaces.network.t === "host" && config.extraHosts.length === 0) {
    return await readFile("/etc/hosts", "utf8").catch(() => hostsFile(config, []));
  }
  return hostsFile(config, attachments);
}

async function resolvText(call: Call, engine: Engine, { container, attachments }: NetworkFiles): Promise<string> {
  const { config } = container;
  const networks: Network[] = [];
  for (const { networkId } of attachments) networks.push(await engine.networks.get(call, networkId));
  return resolvConf({
    hostText: await readHostResolvConf(),
    dns: config.dns,
    networkMode: config.linuxNamespaces.network.t === "host" ? "host" : "private",
    servers: engine.names.serversFor(networks),
    ipv6: attachments.some(({ ipv6 }) => ipv6 !== undefined),
  });
}
