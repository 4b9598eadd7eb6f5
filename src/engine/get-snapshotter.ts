import { EngineError } from "#base/errors.ts";
import type { Container } from "#core/containers/container.ts";
import type { Snapshotter } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "./engine.ts";

/** The one that holds a container's root. @throws failedPrecondition when it is not configured any more */
export function getSnapshotter(
  { snapshotters }: Pick<Engine, "snapshotters">,
  { snapshotter: name }: Pick<Container, "snapshotter">,
): Snapshotter {
  const snapshotter = snapshotters.get(name);
  if (snapshotter !== undefined) return snapshotter;
  throw new EngineError("failedPrecondition", `snapshotter ${name}: not there`);
}
