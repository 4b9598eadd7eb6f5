import type { HostRoot } from "../host/host-root.ts";
import { findFlag } from "../host/command-line.ts";
import type { NodeFacts } from "../host/read-node.ts";
import type { HostText } from "../host/read-unit.ts";
import type { RunningHost } from "../host/running-host.ts";

/** CNI configuration in the order in which a runtime takes it: the first file counts. */
export async function readCniFiles(root: HostRoot, { kubelet, cni }: NodeFacts): Promise<HostText[]> {
  const directory = findFlag(kubelet.commandLine, "cni-conf-dir")?.value ?? "/etc/cni/net.d";
  const files: HostText[] = [];
  for (const name of cni.configFiles) {
    const text = await root.findText(`${directory}/${name}`);
    if (text !== undefined) files.push({ path: `${directory}/${name}`, text });
  }
  return files;
}

export async function readInterfaces(root: HostRoot, running: RunningHost | undefined): Promise<readonly string[]> {
  const said = await running?.ask(["ip", "-o", "link"]);
  if (said !== undefined) return [...said.matchAll(/^\d+:\s+([^:@\s]+)/gm)].map(([, name = ""]) => name);
  return await root.list("/sys/class/net");
}

export async function readFirewall(running: RunningHost | undefined): Promise<string | undefined> {
  return await running?.ask(["iptables-save"]);
}
