import type { Call } from "#core/call.ts";
import type { Sandbox, SandboxId } from "#core/sandboxes/sandbox.ts";
import type { UserNamespace } from "#core/sandboxes/user-namespace.ts";
import type { PodNamespaceKind } from "#core/sandboxes/pod-namespaces.ts";
import type { Engine } from "./engine.ts";

/** Holds a sandbox; taken before any of its containers. */
export async function lockSandbox(call: Call, { locks }: Pick<Engine, "locks">, id: SandboxId): Promise<Disposable> {
  return await locks.acquire(`sandbox/${call.namespace}/${id}`, call.signal);
}

/** The pod's own; undefined: it is in the host's. */
export function userNamespaceOf(
  { podNamespaces }: Pick<Engine, "podNamespaces">,
  { id, config }: Pick<Sandbox, "id" | "config">,
): UserNamespace | undefined {
  return config.idMappings === undefined ? undefined : { ...config.idMappings, path: podNamespaces.pathOf(id, "user") };
}

/** Linux namespaces that a sandbox has pins for. */
export function pinnedKinds({ config }: Pick<Sandbox, "config">): PodNamespaceKind[] {
  const { network, ipc } = config.linuxNamespaces;
  return [
    ...(config.idMappings === undefined ? [] : (["user"] as const)),
    // A host name of one's own goes with a network of one's own, as the kubelet has it.
    ...(network === "pod" ? (["network", "uts"] as const) : []),
    ...(ipc === "pod" ? (["ipc"] as const) : []),
  ];
}
