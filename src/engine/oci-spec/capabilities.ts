import { EngineError } from "#base/errors.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { SpecFacts } from "./spec-facts.ts";

/** What a container has that asks for nothing. Source: moby daemon/pkg/oci/caps/defaults.go. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** In the kernel's order. Source: linux/capability.h. */
export const knownCapabilities: readonly string[] = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

export type CapabilitySets = {
  bounding: string[];
  effective: string[];
  permitted: string[];
  inheritable?: string[];
  ambient?: string[];
};

/**
 * Sets of a container's first process: a user other than root is left with none but the bounding set, as in Docker, and
 * with the ambient ones.
 */
export function capabilitySets(
  config: Pick<ContainerConfig, "capabilities" | "privileged">,
  facts: Pick<SpecFacts, "host" | "user">,
): CapabilitySets {
  const asked = normalize(config.capabilities.ambient ?? [], "ambient capability");
  const ambient = facts.host.capabilities.filter((name) => asked.has(name) || asked.has("ALL"));
  const bounding = [...new Set([...boundingSet(config, facts.host.capabilities), ...ambient])];
  const held = facts.user.uid === 0 ? bounding : ambient;
  const sets = { bounding, effective: [...held], permitted: [...held] };
  return ambient.length === 0 ? sets : { ...sets, inheritable: [...ambient], ambient };
}

/**
 * Defaults, plus `add`, less `drop`; `ALL` in one stands for everything and the other for exceptions. Never more than
 * the host has.
 *
 * @throws invalidArgument for a name that is no capability
 */
function boundingSet(
  { capabilities: { add, drop }, privileged }: Pick<ContainerConfig, "capabilities" | "privileged">,
  available: readonly string[],
): string[] {
  if (privileged) return [...available];
  const adds = normalize(add, "CapAdd");
  const drops = normalize(drop, "CapDrop");
  const start = adds.has("ALL") ? available : drops.has("ALL") ? [] : defaultCapabilities;
  const wanted = new Set([...start, ...adds].filter((name) => name === "ALL" || !drops.has(name)));
  wanted.delete("ALL");
  const missing = [...adds].find((name) => name !== "ALL" && !drops.has(name) && !available.includes(name));
  if (missing !== undefined)
    throw new EngineError(
      "invalidArgument",
      `invalid CapAdd: capability not supported by your kernel or not available in the current environment: "${missing}"`,
    );
  return [...wanted].filter((name) => available.includes(name));
}

function normalize(names: readonly string[], field: string): Set<string> {
  const result = new Set<string>();
  for (const name of names) {
    const upper = name.toUpperCase();
    const full = upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (full !== "ALL" && !knownCapabilities.includes(full))
      throw new EngineError("invalidArgument", `invalid ${field}: unknown capability: "${name}"`);
    result.add(full);
  }
  return result;
}
