import type { UnixNs } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import { containerSize } from "./disk-usage.ts";
import type { Engine } from "./engine.ts";
import { removeContainer } from "./remove-container.ts";

export type LabelTest = { readonly key: string; readonly value?: string };

export type PruneContainersRequest = {
  /** Made before this only. */
  readonly untilNs?: UnixNs;
  /** Each must be there; without `value` any value does. */
  readonly labels: readonly LabelTest[];
  /** None of these may be there. */
  readonly withoutLabels: readonly LabelTest[];
};

export type PrunedContainers = { readonly deleted: readonly ContainerId[]; readonly reclaimedBytes: number };

/** Removes every container that does not run and fits the request; a pod's are its kubelet's. Publishes `prune`. */
export async function pruneContainers(
  call: Call,
  engine: Engine,
  request: PruneContainersRequest,
): Promise<PrunedContainers> {
  const deleted: ContainerId[] = [];
  let reclaimedBytes = 0;
  for (const container of await engine.containers.list(call)) {
    if (container.sandboxId !== undefined || !fits(container, request)) continue;
    try {
      const { writable } = await containerSize(call, engine, container);
      await removeContainer(call, engine, { container: container.id, force: false, removeVolumes: false });
      deleted.push(container.id);
      reclaimedBytes += writable.sizeBytes;
    } catch (error) {
      // Started or removed by somebody else meanwhile.
      if (!isKind(error, "conflict", "notFound")) throw error;
    }
  }
  engine.events.publish({
    namespace: call.namespace,
    type: "container",
    action: "prune",
    actorId: "",
    attributes: { reclaimed: String(reclaimedBytes) },
  });
  return { deleted, reclaimedBytes };
}

function fits(
  { status, createdAtNs, labels }: Container,
  { untilNs, labels: wanted, withoutLabels }: PruneContainersRequest,
): boolean {
  const has = ({ key, value }: LabelTest) =>
    Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
  const stopped = status.state === "created" || status.state === "exited" || status.state === "dead";
  return stopped && (untilNs === undefined || createdAtNs < untilNs) && wanted.every(has) && !withoutLabels.some(has);
}
