import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { chainIdsOf, type ChainId, type DiffId, type Digest } from "#core/content/digest.ts";
import type { LayerRecipe } from "#core/layers/layer-applier.ts";
import type { SnapshotName, Snapshotter } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { unpackLayer, type LayerToUnpack } from "./images/unpack-layer.ts";

export type UnpackEngine = Pick<
  Engine,
  "content" | "layers" | "leases" | "locks" | "mounter" | "settings" | "snapshotters"
>;

/** What happens to a layer; `layer` is its blob. */
export type UnpackProgress = { readonly t: "extracting" | "pullComplete" | "alreadyExists"; readonly layer: Digest };

export type UnpackLayersRequest = {
  /** Default: the engine's. */
  readonly snapshotter?: string;
  /** Lowest first, one for each of `layers`. */
  readonly diffIds: readonly DiffId[];
  readonly layers: readonly Descriptor[];
  /** One for each of `layers`, where their archives are instead of in blobs. */
  readonly recipes?: readonly LayerRecipe[];
  /** Settles when the blob of a layer is in the store; default: all are. Not asked for layers that are unpacked. */
  readonly ready?: (index: number) => Promise<void>;
  readonly onProgress?: (progress: UnpackProgress) => void;
};

export type UnpackedLayers = {
  /** Absent for an image without layers. */
  readonly chainId?: ChainId;
  /** The committed snapshot of all layers, named by the ChainID. */
  readonly snapshotName?: SnapshotName;
  readonly diffIds: readonly DiffId[];
};

/**
 * Unpacks layers as their blobs arrive, side by side where the snapshotter can, and commits them from the lowest up.
 *
 * Concurrent unpacks of the same layers share the work: each waits for the other's layer and takes it. The snapshots
 * belong to the call's lease. After an error, or when `call.signal` is aborted, no active snapshot is left.
 *
 * @throws dataLoss when a layer is broken or is not what the DiffID says
 * @throws invalidArgument when an entry would leave the tree @throws resourceExhausted past a limit, on a full disk
 */
export async function unpackLayers(
  call: Call,
  engine: UnpackEngine,
  request: UnpackLayersRequest,
): Promise<UnpackedLayers> {
  const snapshotter = getSnapshotter(engine, {
    snapshotter: request.snapshotter ?? engine.settings.defaultSnapshotter,
  });
  const chain = chainIdsOf(request.diffIds);
  const top = chain.at(-1);
  if (top === undefined) return { diffIds: [] };
  const snapshotName = nameOf(top);
  if (await keepExisting(call, engine, snapshotter, snapshotName)) {
    for (const { digest } of request.layers) request.onProgress?.({ t: "alreadyExists", layer: digest });
  } else await unpackAll(call, engine, snapshotter, request, chain);
  return { chainId: top, snapshotName, diffIds: request.diffIds };
}

/** The first failure ends the others; all are at rest when this settles. */
async function unpackAll(
  call: Call,
  engine: UnpackEngine,
  snapshotter: Snapshotter,
  request: UnpackLayersRequest,
  chain: readonly ChainId[],
): Promise<void> {
  const failed = new AbortController();
  const own = { ...call, signal: AbortSignal.any([call.signal, failed.signal]) };
  let below: Promise<void> = Promise.resolve();
  const works = request.layers.map((descriptor, index) => {
    const layer = layerAt(request, chain, descriptor, index);
    below = unpackOne(own, engine, snapshotter, { layer, index, request, below }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
    return below;
  });
  await Promise.allSettled(works);
  call.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}

type Step = {
  readonly layer: LayerToUnpack;
  readonly index: number;
  readonly request: UnpackLayersRequest;
  /** Settles when the layer below is committed. */
  readonly below: Promise<void>;
};

async function unpackOne(call: Call, engine: UnpackEngine, snapshotter: Snapshotter, step: Step): Promise<void> {
  const { layer, index, request, below } = step;
  const { digest } = layer.descriptor;
  if (!(await keepExisting(call, engine, snapshotter, layer.name))) {
    await request.ready?.(index);
    if (!snapshotter.capabilities.rebase) await below;
    // Whoever else unpacks the same waits here. Locks of a chain are taken from the top down, so nobody waits in a ring.
    using _lock = await engine.locks.acquire(
      `snapshot/${call.namespace}/${snapshotter.name}/${layer.name}`,
      call.signal,
    );
    if (!(await keepExisting(call, engine, snapshotter, layer.name))) {
      request.onProgress?.({ t: "extracting", layer: digest });
      await unpackLayer(call, engine, snapshotter, layer, below);
      request.onProgress?.({ t: "pullComplete", layer: digest });
      return;
    }
  }
  await below;
  request.onProgress?.({ t: "alreadyExists", layer: digest });
}

/** Whether the snapshot is there; it belongs to the call's lease then. */
async function keepExisting(
  call: Call,
  { leases }: UnpackEngine,
  snapshotter: Snapshotter,
  name: SnapshotName,
): Promise<boolean> {
  const exists = async () => (await snapshotter.find(call, name))?.kind === "committed";
  if (!(await exists())) return false;
  if (call.leaseId === undefined) return true;
  await leases.addResource(call, call.leaseId, { t: "snapshot", snapshotter: snapshotter.name, key: name });
  // Garbage collection may have been faster than the lease.
  return await exists();
}

function layerAt(
  request: UnpackLayersRequest,
  chain: readonly ChainId[],
  descriptor: Descriptor,
  index: number,
): LayerToUnpack {
  const [diffId, chainId, parent] = [request.diffIds[index], chain[index], chain[index - 1]];
  if (diffId === undefined || chainId === undefined) {
    throw new EngineError("invalidArgument", `layer ${descriptor.digest}: no DiffID for it`);
  }
  const name = nameOf(chainId);
  const recipe = request.recipes?.[index];
  return {
    descriptor,
    diffId,
    name,
    ...(parent === undefined ? {} : { parent: nameOf(parent) }),
    ...(recipe === undefined ? {} : { recipe }),
  };
}

function nameOf(chainId: ChainId): SnapshotName {
  return chainId as string as SnapshotName;
}
