import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { openContainerd, type ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { readContent } from "#clients/containerd/read-content.ts";
import { writeContent } from "#clients/containerd/write-content.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { isDigest } from "#core/content/digest.ts";
import { formatReference, parseReference } from "#core/images/reference.ts";
import type { BrokenImage } from "../docker-store/docker-image.ts";
import type { ImageProof, LayerProof } from "../image-target.ts";
import { isSandboxImage, readContainerdFacts, type ContainerdFacts } from "../targets/containerd/containerd-facts.ts";
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
  const facts = await readContainerdFacts(signal, to);
  await ensureNamespace(signal, to);
  const proofs: ImageProof[] = [];
  const broken: BrokenImage[] = [];
  for (const { name, target } of (await from.images.list({}, { signal })).images) {
    if (target === undefined || name.startsWith(danglingPrefix) || !isDigest(target.digest)) continue;
    const { mediaType, digest, size } = target;
    const descriptor: Descriptor = { mediaType, digest, sizeBytes: Number(size) };
    request.onImage?.(name);
    try {
      proofs.push(await shareImage(signal, { from, to, facts }, name, descriptor));
    } catch (error) {
      if (!isKind(error, "notFound", "invalidArgument", "dataLoss")) throw error;
      broken.push({ id: digest, tags: [name], problem: messageOf(error) });
    }
  }
  return { proofs, broken };
}

type Ends = { readonly from: ContainerdConnection; readonly to: ContainerdConnection; readonly facts: ContainerdFacts };

async function shareImage(signal: AbortSignal, ends: Ends, name: string, target: Descriptor): Promise<ImageProof> {
  const { from, to, facts } = ends;
  const images = await readStoredImages(signal, from, target, facts.snapshotter);
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
  const names = namesOf(name, target, image);
  for (const one of names) await putName(signal, to, one, target, isSandboxImage(facts, names));
  return { id: image.id, names, manifest: target.digest, layers };
}

/** As the CRI plugin names what it pulls: by tag, by digest, by ID. @throws invalidArgument for what no pod can name */
function namesOf(name: string, { digest }: Descriptor, { id }: StoredImage): string[] {
  const { domain, path } = parseReference(name);
  return [...new Set([name, formatReference({ domain, path, digest }), id])];
}

/** Of the platform that comes first; a kubelet has the others unpacked when it wants them. */
async function unpack(signal: AbortSignal, ends: Ends, image: StoredImage, lease: string): Promise<LayerProof[]> {
  const proofs: LayerProof[] = [];
  for (const [at, { descriptor, diffId, chainId }] of image.layers.entries()) {
    const parent = image.layers[at - 1]?.chainId;
    const { snapshotter } = ends.facts;
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
