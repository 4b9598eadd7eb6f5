import type { Digest } from "#core/content/digest.ts";
import type { ImageName } from "#core/images/image-store.ts";
import { canonicalNames } from "./image-names.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";

export type ImageFacts = {
  readonly id: Digest;
  readonly names: readonly ImageName[];
  readonly target: { readonly digest: Digest };
  readonly sizeBytes: number;
  /** As the image's config names it. */
  readonly user: string;
};

/** An image as the kubelet sees it. A numeric user is a uid, any other a name; a group does not count. Pure. */
export function toImage(call: Call, { sandboxImage }: Pick<Engine, "sandboxImage">, image: ImageFacts) {
  const [user = ""] = image.user.split(":");
  const isNumber = /^\d+$/.test(user);
  const { repoTags, repoDigests } = canonicalNames(image.names, image.target.digest);
  return {
    id: image.id,
    repoTags,
    repoDigests,
    size: BigInt(image.sizeBytes),
    ...(isNumber ? { uid: { value: BigInt(user) } } : user === "" ? { uid: { value: 0n } } : { username: user }),
    spec: { image: image.id },
    pinned: sandboxImage.isPinned(call, image.names),
  };
}
