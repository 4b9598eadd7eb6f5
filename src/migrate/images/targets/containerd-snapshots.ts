import { randomUUID } from "node:crypto";
import { EngineError, isKind } from "#base/errors.ts";
import { underLease, type ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { ChainId } from "#core/content/digest.ts";
import type { DockerLayer } from "../docker-store/docker-image.ts";

export type UnpackRequest = {
  readonly lease: string;
  readonly snapshotter: string;
  readonly layer: Pick<DockerLayer, "chainId" | "diffId">;
  readonly parent: ChainId | undefined;
  /** The layer's blob, which is in the store. */
  readonly descriptor: Descriptor;
};

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
 * Unpacks a layer into a committed snapshot named by its ChainID, as containerd's own clients do, by the diff service,
 * which answers the digest of what it unpacked. The lease keeps it.
 *
 * @throws dataLoss when that is another one than the DiffID
 */
export async function unpackSnapshot(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  request: UnpackRequest,
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
  const { mediaType, digest, sizeBytes } = request.descriptor;
  const diff = { mediaType, digest, size: BigInt(sizeBytes) };
  const { applied } = await containerd.diff.apply({ diff, mounts }, options);
  if (applied?.digest !== (layer.diffId as string)) {
    throw new EngineError("dataLoss", `layer ${layer.diffId}: containerd unpacked ${applied?.digest ?? "nothing"}`);
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
