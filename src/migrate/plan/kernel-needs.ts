import type { KernelFacts } from "../host/read-kernel.ts";
import { plainFiles } from "../host/read-node.ts";
import type { FileDrafts } from "./file-drafts.ts";

/** What Docker loaded and set for itself at each start, and nobody does without it. */
const modules = ["overlay", "br_netfilter"] as const;
const sysctls = {
  "net.bridge.bridge-nf-call-ip6tables": "1",
  "net.bridge.bridge-nf-call-iptables": "1",
  "net.ipv4.ip_forward": "1",
} as const;

export type KernelNeeds = {
  readonly modules: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
};

/**
 * What the next boot would lack without Docker; a node works until then and breaks afterwards, which is worse than at once.
 * Source: https://github.com/kubernetes/website/issues/36336
 */
export function findKernelNeeds(kernel: KernelFacts): KernelNeeds {
  return {
    modules: modules.filter((name) => !kernel.modules.has(name)),
    sysctls: Object.fromEntries(Object.entries(sysctls).filter(([name, value]) => kernel.sysctls.get(name) !== value)),
  };
}

/** Keeps them over a boot, in files of our own. */
export function writeKernelNeeds(needs: KernelNeeds, drafts: FileDrafts, textOf: (path: string) => string | undefined) {
  const head = "# Docker did this at each start; the node needs it without Docker too.\n";
  const put = (path: string, lines: readonly string[], why: string) => {
    if (lines.length > 0) drafts.edit(path, textOf(path), (text) => (text || head) + lines.join(""), why);
  };
  const moduleLines = needs.modules.map((name) => `${name}\n`);
  put(plainFiles.modules, moduleLines, "modules that Docker loaded, at every boot");
  const sysctlLines = Object.entries(needs.sysctls).map(([name, value]) => `${name} = ${value}\n`);
  put(plainFiles.sysctls, sysctlLines, "settings that Docker made, at every boot");
}
