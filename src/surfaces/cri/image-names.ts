import type { Digest } from "#core/content/digest.ts";
import type { ImageName } from "#core/images/image-store.ts";
import { formatReference, parseReference } from "#core/images/reference.ts";

/** Names in full, as the kubelet compares them: `registry/repo:tag` and `registry/repo@digest`, sorted. Pure. */
export function canonicalNames(
  names: readonly ImageName[],
  digest: Digest,
): { repoTags: string[]; repoDigests: string[] } {
  const tags = new Set<string>();
  const digests = new Set<string>();
  for (const name of names) {
    const reference = parse(name);
    if (reference === undefined) continue;
    const { domain, path, tag } = reference;
    if (tag !== undefined) tags.add(formatReference({ domain, path, tag }));
    digests.add(formatReference({ domain, path, digest: reference.digest ?? digest }));
  }
  return { repoTags: [...tags].sort(), repoDigests: [...digests].sort() };
}

function parse(name: string) {
  try {
    return parseReference(name);
  } catch {
    // A dangling image's name is no reference.
    return undefined;
  }
}
