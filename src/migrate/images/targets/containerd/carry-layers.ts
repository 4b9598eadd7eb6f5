import { isKind } from "#base/errors.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { ChainId } from "#core/content/digest.ts";
import type { DockerLayer } from "../../docker-store/docker-image.ts";
import type { LayerProof, Progress } from "../../image-target.ts";
import { counted, countedArchive } from "../../layer-archive.ts";
import { keepLayerBlob, makeLayerBlob, type LayerBlob } from "./layer-blobs.ts";
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

/** Brings an image's layers into containerd, each with its blob and its snapshot on the one below. */
export async function carryLayers(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  request: LayersRequest,
): Promise<CarriedLayers> {
  const descriptors: Descriptor[] = [];
  const proofs: LayerProof[] = [];
  for (const [at, layer] of request.layers.entries()) {
    const step = { ...request, layer, parent: request.layers[at - 1]?.chainId };
    const { blob, how, files } = await carryLayer(signal, containerd, step);
    descriptors.push(blob.descriptor);
    const { diffId } = layer;
    if (how === "carried") proofs.push({ diffId, how, files });
    else proofs.push({ diffId, how: blob.how === "written" ? "carried" : "present" });
  }
  return { descriptors, proofs };
}

type LayerStep = Omit<LayersRequest, "layers"> & { readonly layer: DockerLayer; readonly parent: ChainId | undefined };
type CarriedLayer = {
  readonly blob: LayerBlob;
  /** The snapshot. */
  readonly how: LayerProof["how"];
  readonly files: NonNullable<LayerProof["files"]>;
};

/** A layer that needs those below to be unpacked (a hard link to a file of theirs) is containerd's, as all are elsewhere. */
async function carryLayer(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  step: LayerStep,
): Promise<CarriedLayer> {
  try {
    if (step.sharing !== undefined) return await shareLayer(signal, containerd, step, step.sharing);
  } catch (error) {
    if (!isKind(error, "failedPrecondition")) throw error;
  }
  const blob = await ensureBlob(signal, containerd, step);
  const how = await makeSnapshot(signal, containerd, step, byDiffService(containerd, blob.descriptor));
  return { blob, how, files: "unpacked" };
}

/** The archive is made once, for the tree and the blob. */
async function shareLayer(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  step: LayerStep,
  sharing: TreeSharing,
): Promise<CarriedLayer> {
  const { layer, lease, progress } = step;
  let blob = await keepLayerBlob(signal, containerd, layer, lease);
  const take = async (archive: AsyncIterable<Uint8Array>) => {
    blob = await makeLayerBlob(signal, containerd, layer, lease, counted(archive, progress));
  };
  const fill = sharing.fill(layer, blob === undefined ? take : undefined);
  const how = await makeSnapshot(signal, containerd, step, fill);
  return { blob: blob ?? (await ensureBlob(signal, containerd, step)), how, files: "shared" };
}

async function ensureBlob(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  { layer, lease, progress }: LayerStep,
): Promise<LayerBlob> {
  const kept = await keepLayerBlob(signal, containerd, layer, lease);
  return kept ?? (await makeLayerBlob(signal, containerd, layer, lease, countedArchive(signal, layer, progress)));
}
