import { isKind } from "#base/errors.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { ChainId } from "#core/content/digest.ts";
import type { DockerLayer } from "../../docker-store/docker-image.ts";
import type { LayerProof, Progress } from "../../image-target.ts";
import { putLayerBlob, type LayerBlob } from "./layer-blobs.ts";
import { byDiffService, makeSnapshot } from "./make-snapshot.ts";
import type { TreeSharing } from "./tree-sharing.ts";

export type LayersRequest = {
  readonly lease: string;
  readonly snapshotter: string;
  /** Lowest first. */
  readonly layers: readonly DockerLayer[];
  /** Absent where containerd must unpack. */
  readonly sharing: TreeSharing | undefined;
  readonly progress: Progress;
};

/** Blobs and proofs, lowest layer first. */
export type CarriedLayers = { readonly descriptors: readonly Descriptor[]; readonly proofs: readonly LayerProof[] };

/**
 * Brings an image's layers into containerd: blobs one after the other, and beside them the snapshots, each on the one
 * below. The first failure ends both; all is at rest when this settles.
 */
export async function carryLayers(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  request: LayersRequest,
): Promise<CarriedLayers> {
  const failed = new AbortController();
  const own = AbortSignal.any([signal, failed.signal]);
  const queue = () => {
    let last: Promise<unknown> = Promise.resolve();
    return <T>(work: () => Promise<T>): Promise<T> => {
      const next = last.then(work);
      next.catch((error: unknown) => failed.abort(error));
      last = next;
      return next;
    };
  };
  const [blobs, trees] = [queue(), queue()];
  const works = request.layers.map((layer, at) => {
    const blob = blobs(async () => await putLayerBlob(own, containerd, { ...request, layer }));
    const parent = request.layers[at - 1]?.chainId;
    return { layer, blob, tree: trees(async () => await makeTree(own, containerd, request, { layer, parent, blob })) };
  });
  await Promise.allSettled(works.flatMap(({ blob, tree }): Promise<unknown>[] => [blob, tree]));
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  const descriptors: Descriptor[] = [];
  const proofs: LayerProof[] = [];
  for (const { layer, blob, tree } of works) {
    const [{ how: put, descriptor }, { how, files }] = [await blob, await tree];
    descriptors.push(descriptor);
    const carried = how === "carried" || put === "written";
    proofs.push({ diffId: layer.diffId, how: carried ? "carried" : "present", ...(files ? { files } : {}) });
  }
  return { descriptors, proofs };
}

type TreeStep = {
  readonly layer: DockerLayer;
  readonly parent: ChainId | undefined;
  readonly blob: Promise<LayerBlob>;
};

type MadeTree = Pick<LayerProof, "how" | "files">;

/** A layer that needs those below to be unpacked (a hard link to a file of theirs) is containerd's, as all are elsewhere. */
async function makeTree(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  { lease, snapshotter, sharing }: LayersRequest,
  { layer, parent, blob }: TreeStep,
): Promise<MadeTree> {
  const request = { lease, snapshotter, layer, parent };
  if (sharing !== undefined) {
    try {
      return madeTree(await makeSnapshot(signal, containerd, request, sharing.fill(layer)), "shared");
    } catch (error) {
      if (!isKind(error, "failedPrecondition")) throw error;
    }
  }
  const { descriptor } = await blob;
  return madeTree(await makeSnapshot(signal, containerd, request, byDiffService(containerd, descriptor)), "unpacked");
}

function madeTree(how: LayerProof["how"], files: NonNullable<LayerProof["files"]>): MadeTree {
  return how === "carried" ? { how, files } : { how };
}
