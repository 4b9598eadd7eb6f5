import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { command } from "#test/support/processes.ts";
import { readSystemState, type Place, type SystemState } from "./system-state.ts";

/** Where pods of one daemon leave traces: its directories, host-local's leases and the pods' bridge. */
export type PodPlace = Place & { readonly leases: string; readonly bridge: string };

export type PodState = SystemState & {
  readonly podNamespaces: readonly string[];
  readonly podResults: readonly string[];
  readonly sandboxes: readonly string[];
  readonly sandboxFiles: readonly string[];
  readonly podAddresses: readonly string[];
  readonly podFirewallRules: readonly string[];
  /** How many are plugged into the bridge. */
  readonly veths: number;
};

/** What is on the machine; removals in the background may be under way. */
export async function readPodState(place: PodPlace): Promise<PodState> {
  return { ...(await readSystemState(place)), ...(await readPods(place)) };
}

async function readPods({ root, state, leases, bridge }: PodPlace) {
  const names = async (path: string) => await readdir(path).catch(() => []);
  const veths = (await command(["ip", "-o", "link", "show", "master", bridge]).catch(() => "")).split("\n");
  const rules = (await command(["iptables-save"]).catch(() => "")).split("\n");
  return {
    podNamespaces: await names(join(state, "pods")),
    podResults: await names(join(state, "pod-network")),
    sandboxes: await names(join(state, "sandboxes")),
    sandboxFiles: await names(join(root, "sandboxes", "k8s.io")),
    podAddresses: (await names(join(leases, bridge))).filter((name) => /^\d/.test(name)),
    podFirewallRules: rules.filter((line) => line.startsWith("-A") && line.includes(`name: "${bridge}"`)).sort(),
    veths: veths.filter((line) => line !== "").length,
  };
}
