import { randomUUID } from "node:crypto";
import { EngineError, isKind } from "#base/errors.ts";
import { underLease, type ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { ChainId } from "#core/content/digest.ts";
import type { Mount } from "#core/mounts/mount.ts";
import type { DockerLayer } from "../../docker-store/docker-image.ts";

export type SnapshotRequest = {
  readonly lease: string;
  readonly snapshotter: string;
  readonly layer: Pick<DockerLayer, "chainId" | "diffId">;
  readonly parent: ChainId | undefined;
};

/** Puts a layer's files into an extraction snapshot; answers the digest of the archive that they were in. */
export type FillSnapshot = (signal: AbortSignal, mounts: readonly Mount[], lease: string) => Promise<string>;

/** Whether the layer's committed snapshot is there. */
export async function hasSnapshot(
  signal: AbortSignal,
  { snapshots }: ContainerdConnection,
  snapshotter: string,
  key: string,
): Promise<boolean> {
  try {
    await snapshots.stat({ snapshotter, key }, { signal });
    return true;
  } catch (error) {
    if (isKind(error, "notFound")) return false;
    throw error;
  }
}

/**
 * A layer's committed snapshot, named by its ChainID, as containerd's own clients make it. The lease keeps it; one that a
 * kill left half made goes with the lease.
 *
 * @throws dataLoss when it was filled from something else than the DiffID says
 */
export async function makeSnapshot(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  request: SnapshotRequest,
  fill: FillSnapshot,
): Promise<"carried" | "present"> {
  const { snapshots, leases } = containerd;
  const { lease, snapshotter, layer, parent = "" } = request;
  if (await hasSnapshot(signal, containerd, snapshotter, layer.chainId)) {
    const resource = { id: layer.chainId, type: `snapshots/${snapshotter}` };
    await leases.addResource({ id: lease, resource }, { signal });
    return "present";
  }
  const options = underLease(signal, lease);
  const key = `extract-ferry-${randomUUID()} ${layer.chainId}`;
  await using undo = new AsyncDisposableStack();
  const { mounts } = await snapshots.prepare({ snapshotter, key, parent }, options);
  undo.defer(async () => void (await snapshots.remove({ snapshotter, key })));
  const diffId = await fill(signal, mounts, lease);
  if (diffId !== (layer.diffId as string)) {
    throw new EngineError("dataLoss", `layer ${layer.diffId}: its snapshot was filled from ${diffId}`);
  }
  try {
    await snapshots.commit({ snapshotter, name: layer.chainId, key }, options);
    undo.move();
  } catch (error) {
    // Somebody else's pull was faster; ours goes.
    if (!isKind(error, "alreadyExists")) throw error;
  }
  return "carried";
}

/** containerd unpacks the layer's blob, which must be in its store, and says what it unpacked. */
export function byDiffService(
  { diff }: ContainerdConnection,
  { mediaType, digest, sizeBytes }: Descriptor,
): FillSnapshot {
  return async (signal, mounts, lease) => {
    const request = { diff: { mediaType, digest, size: BigInt(sizeBytes) }, mounts: mounts.map(toWire) };
    const { applied } = await diff.apply(request, underLease(signal, lease));
    return applied?.digest ?? "nothing";
  };
}

function toWire({ type, source, options }: Mount) {
  return { type, source, options: [...options] };
}
