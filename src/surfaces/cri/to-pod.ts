import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { PodSandboxState, type PodSandboxFilter } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { Cri } from "./cri.ts";
import { namespaceOptionsOf } from "./records.ts";

export function toPodState({ state }: Sandbox): PodSandboxState {
  return state === "ready" ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
}

/** A line of the list. */
export function toPod(sandbox: Sandbox) {
  return {
    id: sandbox.id,
    metadata: sandbox.pod,
    state: toPodState(sandbox),
    createdAt: sandbox.createdAtNs,
    labels: sandbox.labels,
    annotations: sandbox.annotations,
    runtimeHandler: sandbox.runtimeHandler,
  };
}

export function toPodStatus(sandbox: Sandbox) {
  const [ip = "", ...others] = sandbox.addresses;
  return {
    ...toPod(sandbox),
    network: { ip, additionalIps: others.map((address) => ({ ip: address })) },
    linux: { namespaces: { options: namespaceOptionsOf(sandbox) } },
  };
}

/** Sandboxes that fit, the newest first; half-made ones are nobody's business. */
export async function selectPods(
  call: Call,
  { engine }: Cri,
  filter: Pick<PodSandboxFilter, "id" | "state" | "labelSelector"> | undefined,
): Promise<Sandbox[]> {
  const all = await engine.sandboxes.list(call);
  const fits = all.filter((sandbox) => {
    if (sandbox.state === "creating") return false;
    if (filter === undefined) return true;
    if (filter.id !== "" && !sandbox.id.startsWith(filter.id)) return false;
    if (filter.state !== undefined && filter.state.state !== toPodState(sandbox)) return false;
    return hasLabels(sandbox.labels, filter.labelSelector);
  });
  return fits.reverse();
}

export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
