import type { HostRoot } from "../host/host-root.ts";
import type { RunningHost } from "../host/running-host.ts";

export async function readInterfaces(root: HostRoot, running: RunningHost | undefined): Promise<readonly string[]> {
  const said = await running?.ask(["ip", "-o", "link"]);
  if (said !== undefined) return [...said.matchAll(/^\d+:\s+([^:@\s]+)/gm)].map(([, name = ""]) => name);
  return await root.list("/sys/class/net");
}

export async function readFirewall(running: RunningHost | undefined): Promise<string | undefined> {
  return await running?.ask(["iptables-save"]);
}
