import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { isIndex, isManifest, type Descriptor } from "#core/content/descriptor.ts";
import { hexOf, algorithmOf } from "#core/content/digest.ts";
import { decodeIndex } from "#core/images/manifest.ts";
import type { Engine } from "../engine.ts";
import { documentAt, type ArchiveContents } from "./archive-contents.ts";

/** One image of an archive, its target in the store. */
export type ArchivedImage = { readonly target: Descriptor; readonly names: readonly string[] };

type Naming = { readonly target: Descriptor; readonly names: string[] };

/**
 * Images of an OCI layout's `index.json`. A name is taken from containerd's annotation, or from the specification's
 * where that is a whole reference and not only a tag.
 */
export async function ociImages(
  call: Call,
  engine: Pick<Engine, "content">,
  contents: ArchiveContents,
): Promise<ArchivedImage[]> {
  const index = decodeIndex(await documentAt(call, engine, contents, "index.json"));
  const images = new Map<string, Naming>();
  for (const { annotations = {}, ...target } of index.manifests) {
    if (!isIndex(target.mediaType) && !isManifest(target.mediaType)) continue;
    if (!contents.blobs.has(`blobs/${algorithmOf(target.digest)}/${hexOf(target.digest)}`)) {
      throw new EngineError("invalidArgument", `archive: content ${target.digest} is missing`);
    }
    const image: Naming = images.get(target.digest) ?? { target, names: [] };
    const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
    if (name !== undefined && /[/:]/.test(name) && !image.names.includes(name)) image.names.push(name);
    images.set(target.digest, image);
  }
  return [...images.values()];
}
