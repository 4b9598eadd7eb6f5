import { readFile, writeFile } from "node:fs/promises";
import { errnoOf, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Network, NetworkAttachment } from "#core/networks/network.ts";
import { networkFilePaths } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { namesOn } from "./names-on.ts";
import { networkTexts } from "./write-network-files.ts";

type PeerEngine = Pick<Engine, "containers" | "networks" | "names" | "locks" | "settings">;

/** Whether the name service answers on a network; where it does not, hosts files have to do. */
export function isServed({ names }: Pick<Engine, "names">, network: Network): boolean {
  return names.serversFor([network]).length > 0;
}

/**
 * Brings the hosts files of all containers on a network up to date: each names the others while the name service cannot
 * (port 53 of the gateway is taken), and none does when it can; then their resolv.conf leads to it. `without` is about
 * to leave. A file that cannot be written is warned of: names are not worth a container's start.
 */
export async function restatePeers(call: Call, engine: PeerEngine, network: Network, without?: string): Promise<void> {
  if (network.builtin) return;
  // One for all: a container on two networks has one file.
  using _lock = await engine.locks.acquire("peers", call.signal);
  const served = isServed(engine, network);
  const members = (await engine.containers.list(call)).flatMap((container) => {
    const attachment = container.attachments.find(({ networkId }) => networkId === network.id);
    return attachment === undefined || container.id === without ? [] : [{ container, attachment }];
  });
  for (const { container } of members) {
    const others = served ? [] : members.filter((other) => other.container.id !== container.id);
    try {
      await restateOne(
        call,
        engine,
        container,
        network,
        others.flatMap((it) => linesOf(it, network)),
      );
    } catch (error) {
      call.log.warn({ containerId: container.id }, `names of network ${network.name} in hosts: ${messageOf(error)}`);
    }
  }
}

async function restateOne(
  call: Call,
  engine: PeerEngine,
  container: Container,
  network: Network,
  lines: readonly string[],
): Promise<void> {
  const paths = networkFilePaths(engine, container);
  const before = await readIfThere(paths.hosts);
  // Its start is under way: it writes the file itself, and asks again.
  if (before === undefined || before === "") return;
  const own = before.split("\n").filter((line) => line !== "" && !line.endsWith(markOf(network)));
  const after = [...own, ...lines].map((line) => `${line}\n`).join("");
  if (after === before) return;
  await writeFile(paths.hosts, after);
  if (lines.length > 0 || !isServed(engine, network)) return;
  const texts = await networkTexts(call, engine, { container, attachments: container.attachments });
  await writeFile(paths.resolvConf, texts.resolvConf);
}

function linesOf(
  { container, attachment }: { container: Container; attachment: NetworkAttachment },
  network: Network,
): string[] {
  const names = namesOn(container, attachment).join(" ");
  const addresses = [attachment.ipv4?.address, attachment.ipv6?.address].filter((address) => address !== undefined);
  return addresses.map((address) => `${address}\t${names}\t${markOf(network)}`);
}

/** Ends our lines; whatever else is in the file is somebody's. */
function markOf({ name }: Network): string {
  return `# peer on ${name}`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
