import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { openContainerd, type ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { readContent } from "#clients/containerd/read-content.ts";
import { writeContent } from "#clients/containerd/write-content.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { isDigest } from "#core/content/digest.ts";
import type { BrokenImage } from "../docker-store/docker-image.ts";
import type { ImageProof, LayerProof } from "../image-target.ts";
import { readContainerdFacts } from "../targets/containerd/containerd-facts.ts";
import { acquireLease } from "../targets/containerd/acquire-lease.ts";
import { putName } from "../targets/containerd/cri-names.ts";
import { byDiffService, makeSnapshot } from "../targets/containerd/make-snapshot.ts";
import { readStoredImages, type StoredImage } from "./stored-image.ts";

export type ShareRequest = {
  readonly socketPath: string;
  /** Docker's namespace and the kubelet's. */
  readonly from: string;
  readonly to: string;
  readonly onImage?: (name: string) => void;
};

export type SharedImages = { readonly proofs: readonly ImageProof[]; readonly broken: readonly BrokenImage[] };

/** What Docker calls images that lost their last name. Source: moby daemon/containerd/image_delete.go. */
const danglingPrefix = "moby-dangling@";

/**
 * Gives images of one namespace of a containerd to another. Blobs are shared by the store, so their bytes are there once;
 * manifests stay as they were, and so do repo digests. Trees are unpacked anew: containerd shares none of those.
 *
 * An image that is not whole is left out. Done again, it finds what is there.
 */
export async function shareImages(signal: AbortSignal, request: ShareRequest): Promise<SharedImages> {
  using from = openContainerd(request.socketPath, request.from);
  using to = openContainerd(request.socketPath, request.to);
  const { snapshotter } = await readContainerdFacts(signal, to);
  await ensureNamespace(signal, to);
  const proofs: ImageProof[] = [];
  const broken: BrokenImage[] = [];
  for (const { name, target } of (await from.images.list({}, { signal })).images) {
    if (target === undefined || name.startsWith(danglingPrefix) || !isDigest(target.digest)) continue;
    const { mediaType, digest, size } = target;
    const descriptor: Descriptor = { mediaType, digest, sizeBytes: Number(size) };
    request.onImage?.(name);
    try {
      proofs.push(await shareImage(signal, { from, to, snapshotter }, name, descriptor));
    } catch (error) {
      if (!isKind(error, "notFound", "invalidArgument", "dataLoss")) throw error;
      broken.push({ id: digest, tags: [name], problem: messageOf(error) });
    }
  }
  return { proofs, broken };
}

type Ends = { readonly from: ContainerdConnection; readonly to: ContainerdConnection; readonly snapshotter: string };

async function shareImage(signal: AbortSignal, ends: Ends, name: string, target: Descriptor): Promise<ImageProof> {
  const { from, to, snapshotter } = ends;
  const images = await readStoredImages(signal, from, target, snapshotter);
  const [image] = images;
  if (image === undefined) throw new EngineError("notFound", `image ${name}: nothing of it is in the store`);
  await using lease = await acquireLease(signal, to, target.digest);
  for (const { blobs } of images) {
    for (const { descriptor, labels } of blobs) {
      const { digest, sizeBytes } = descriptor;
      const chunks = () => readContent(signal, from, digest);
      await writeContent(signal, to, { digest, sizeBytes, labels, lease: lease.id, chunks });
    }
  }
  const layers = await unpack(signal, ends, image, lease.id);
  for (const one of [name, image.id]) await putName(signal, to, one, target, false);
  return { id: image.id, names: [name, image.id], manifest: target.digest, layers };
}

/** Of the platform that comes first; a kubelet has the others unpacked when it wants them. */
async function unpack(signal: AbortSignal, ends: Ends, image: StoredImage, lease: string): Promise<LayerProof[]> {
  const proofs: LayerProof[] = [];
  for (const [at, { descriptor, diffId, chainId }] of image.layers.entries()) {
    const parent = image.layers[at - 1]?.chainId;
    const { snapshotter } = ends;
    const step = { lease, snapshotter, layer: { diffId, chainId }, parent };
    proofs.push({ diffId, how: await makeSnapshot(signal, ends.to, step, byDiffService(ends.to, descriptor)) });
  }
  return proofs;
}

async function ensureNamespace(signal: AbortSignal, { namespaces, namespace }: ContainerdConnection): Promise<void> {
  try {
    await namespaces.create({ namespace: { name: namespace } }, { signal });
  } catch (error) {
    if (!isKind(error, "alreadyExists")) throw error;
  }
}
