import { isKind } from "#base/errors.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { DockerImage } from "../../docker-store/docker-image.ts";

/**
 * Labels by which the CRI plugin knows images as its own, and as one that the kubelet's garbage collection leaves.
 * Source: containerd pkg/cri/labels, internal/cri/labels.
 */
const managedLabel = "io.cri-containerd.image";
const pinnedLabel = "io.cri-containerd.pinned";

/** An image's names as the CRI plugin gives them: by tag, by the digests it was pulled by, and by its ID. */
export function criNames({ id, tags, digests }: DockerImage): string[] {
  return [...tags, ...digests, id];
}

/** Points a name at the manifest, made or moved, with the CRI's labels. */
export async function putName(
  signal: AbortSignal,
  { images }: ContainerdConnection,
  name: string,
  { mediaType, digest, sizeBytes }: Descriptor,
  pinned: boolean,
): Promise<void> {
  const labels = { [managedLabel]: "managed", ...(pinned ? { [pinnedLabel]: "pinned" } : {}) };
  const image = { name, labels, target: { mediaType, digest, size: BigInt(sizeBytes) } };
  try {
    await images.create({ image }, { signal });
  } catch (error) {
    if (!isKind(error, "alreadyExists")) throw error;
    const paths = ["target", ...Object.keys(labels).map((label) => `labels.${label}`)];
    await images.update({ image, updateMask: { paths } }, { signal });
  }
}

/** What a name points at; undefined when there is no such name. */
export async function findTarget(
  signal: AbortSignal,
  { images }: ContainerdConnection,
  name: string,
): Promise<string | undefined> {
  try {
    return (await images.get({ name }, { signal })).image?.target?.digest;
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}
