import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { UnixNs } from "#base/clock.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

export type PruneContainersRequest = {
  /** Made before this only. */
  readonly untilNs?: UnixNs;
  /** Each must be there; without `value` any value does. */
  readonly labels: readonly { readonly key: string; readonly value?: string }[];
  /** None of these may be there. */
  readonly withoutLabels: readonly { readonly key: string; readonly value?: string }[];
};

export type PrunedContainers = { readonly deleted: readonly ContainerId[]; readonly reclaimedBytes: number };

/**
 * Removes every container that does not run and fits the request. Publishes `prune`.
 */
export async function pruneContainers(
  _call: Call,
  _engine: Engine,
  _request: PruneContainersRequest,
): Promise<PrunedContainers> {
  throw new EngineError("notImplemented", "prune containers: not implemented");
}
