import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "#test/support/processes.ts";
import type { PodPeerOptions } from "./pod-peer.ts";

/**
 * Writes the same pod network for every peer, but for the names: bridge with host-local addresses and masquerading, then
 * portmap. Answers the configuration directory; disposing takes the bridge away.
 */
export async function openPodNetwork({
  directory,
  index,
}: PodPeerOptions): Promise<AsyncDisposable & { confDir: string }> {
  const confDir = join(directory, "net.d");
  const bridge = `fbpods${index}`;
  await mkdir(confDir, { recursive: true });
  await writeFile(join(confDir, "10-pods.conflist"), JSON.stringify(conflist(directory, bridge, index), undefined, 2));
  return {
    confDir,
    async [Symbol.asyncDispose]() {
      await command(["ip", "link", "delete", bridge]).catch(() => {});
    },
  };
}

function conflist(directory: string, bridge: string, index: number) {
  const subnet = `10.${214 + index}.0.0/16`;
  const ipam = {
    type: "host-local",
    dataDir: join(directory, "leases"),
    ranges: [[{ subnet }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      { type: "bridge", bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}
