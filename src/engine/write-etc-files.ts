import { readFile, writeFile } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { NetworkAttachment } from "#core/networks/network.ts";
import { hostsFile, resolvConf } from "./container-files.ts";
import type { Engine } from "./engine.ts";
import { readHostResolvConf } from "./host-resolv-conf.ts";

/**
 * Fills `/etc/hosts` and `/etc/resolv.conf` of a container once its addresses are known. Written in place: the files
 * may be mounted already. One that shares another container's network shares its files, too: nothing is written.
 */
export async function writeEtcFiles(
  call: Call,
  engine: Pick<Engine, "networks" | "names">,
  container: Container,
  files: { readonly hosts: string; readonly resolvConf: string; readonly attachments: readonly NetworkAttachment[] },
): Promise<void> {
  const { config } = container;
  const mode = config.linuxNamespaces.network.t;
  if (mode === "container") return;
  const { attachments } = files;
  const copyHosts = mode === "host" && config.extraHosts.length === 0;
  const hosts = copyHosts ? await readOrEmpty("/etc/hosts") : hostsFile(config, attachments);
  const text = resolvConf({
    hostText: await readHostResolvConf(),
    dns: config.dns,
    networkMode: mode,
    servers: attachments.length === 0 ? [] : await nameServers(call, engine, attachments),
    ipv6: attachments.some(({ ipv6 }) => ipv6 !== undefined),
  });
  await Promise.all([writeFile(files.hosts, hosts), writeFile(files.resolvConf, text)]);
}

async function nameServers(
  call: Call,
  engine: Pick<Engine, "networks" | "names">,
  attachments: readonly NetworkAttachment[],
): Promise<string[]> {
  const networks = await Promise.all(attachments.map(({ networkId }) => engine.networks.get(call, networkId)));
  return engine.names.serversFor(networks);
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
}
