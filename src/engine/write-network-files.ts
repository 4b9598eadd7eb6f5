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
export async function writeNetworkFiles(call: Call, engine: TextEngine, files: NetworkFiles): Promise<void> {
  const { hosts, resolvConf } = await networkTexts(call, engine, files);
  await Promise.all([writeFile(files.etc.hosts, hosts), writeFile(files.etc.resolvConf, resolvConf)]);
}

type TextEngine = Pick<Engine, "networks" | "names">;
type Texts = { readonly hosts: string; readonly resolvConf: string };

/** What the files of a container on `attachments` say. */
export async function networkTexts(
  call: Call,
  engine: TextEngine,
  files: Pick<NetworkFiles, "container" | "attachments">,
): Promise<Texts> {
  const [hosts, resolvConf] = await Promise.all([hostsText(files), resolvText(call, engine, files)]);
  return { hosts, resolvConf };
}

/**
 * Brings the files of a running container from what they said `before` to `after`. What somebody wrote into hosts
 * stays; a resolv.conf that was edited is left alone, as Docker does it.
 */
export async function updateNetworkFiles(paths: NetworkFiles["etc"], before: Texts, after: Texts): Promise<void> {
  const [hosts, resolvConf] = await Promise.all([readFile(paths.hosts, "utf8"), readFile(paths.resolvConf, "utf8")]);
  const [gone, added] = [linesOnlyIn(before.hosts, after.hosts), linesOnlyIn(after.hosts, before.hosts)];
  if (gone.length + added.length > 0) {
    const kept = hosts.split("\n").filter((line) => line !== "" && !gone.includes(line));
    await writeFile(paths.hosts, [...kept, ...added].map((line) => `${line}\n`).join(""));
  }
  if (resolvConf === before.resolvConf) await writeFile(paths.resolvConf, after.resolvConf);
}

function linesOnlyIn(text: string, other: string): string[] {
  const others = new Set(other.split("\n"));
  return text.split("\n").filter((line) => !others.has(line));
}

async function hostsText({
  container: { config },
  attachments,
}: Pick<NetworkFiles, "container" | "attachments">): Promise<string> {
  if (config.linuxNamespaces.network.t === "host" && config.extraHosts.length === 0) {
    return await readFile("/etc/hosts", "utf8").catch(() => hostsFile(config, []));
  }
  return hostsFile(config, attachments);
}

async function resolvText(
  call: Call,
  engine: TextEngine,
  { container, attachments }: Pick<NetworkFiles, "container" | "attachments">,
): Promise<string> {
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
