import { nowNs } from "#base/clock.ts";
import { parseNamespace } from "#core/call.ts";
import { digestOf } from "#core/content/digest.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import { newStatus } from "./container-status.ts";
import type { Container, ContainerId } from "./container.ts";

/** A container's record for tests; `seed` (hex digits) begins its id. */
export function sampleContainer(seed: string, change: Partial<Container> = {}): Container {
  const id = seed.padEnd(64, "0") as ContainerId;
  return {
    id,
    namespace: parseNamespace("default"),
    name: `name-${seed}`,
    labels: {},
    image: { reference: "alpine", id: digestOf(`config ${seed}`), manifest: digestOf(`manifest ${seed}`) },
    snapshotter: "overlayfs",
    snapshotKey: id as string as SnapshotKey,
    runtimeHandler: "",
    config: { ...defaultContainerConfig, args: ["true"] },
    status: newStatus,
    attachments: [],
    logPath: `/var/lib/ferry/containers/default/${id}/container.log`,
    extensions: {},
    createdAtNs: nowNs(),
    ...change,
  };
}
