import { parseRfc3339, type UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { chainIdsOf, type ChainId, type DiffId } from "#core/content/digest.ts";
import type { HistoryEntry } from "#core/images/image-config.ts";
import type { Platform } from "#core/images/platform.ts";
import type { Engine } from "./engine.ts";
import { familiarNames } from "./images/image-names.ts";
import { layerSizes } from "./list-images.ts";
import { resolveImage, type ResolvedImage, type ResolveEngine } from "./resolve-image.ts";

export type InspectedLayer = {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly chainId: ChainId;
  /** Unpacked; compressed where it is not unpacked. */
  readonly sizeBytes: number;
};

export type InspectedImage = ResolvedImage & {
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Lowest first. */
  readonly layers: readonly InspectedLayer[];
  /** Oldest first; `sizeBytes` is 0 where the step made no layer. */
  readonly history: readonly (HistoryEntry & { readonly sizeBytes: number })[];
  readonly sizeBytes: number;
  readonly createdAtNs?: UnixNs;
  /** When a name of it was last put. */
  readonly lastTaggedAtNs?: UnixNs;
};

/** All that is known of one image. @throws as resolveImage */
export async function inspectImage(
  call: Call,
  engine: ResolveEngine & Pick<Engine, "snapshotters">,
  reference: string,
  options: { platform?: Platform } = {},
): Promise<InspectedImage> {
  const image = await resolveImage(call, engine, reference, options);
  const sizes = await layerSizes(call, engine, image);
  const chainIds = chainIdsOf(image.config.diffIds);
  const layers = image.document.layers.map((descriptor, at): InspectedLayer => {
    const [diffId, chainId] = [image.config.diffIds[at], chainIds[at]];
    if (diffId === undefined || chainId === undefined) throw new Error(`image ${image.id}: a layer without DiffID`);
    return { descriptor, diffId, chainId, sizeBytes: sizes[at] ?? 0 };
  });
  const createdAtNs = parseRfc3339(image.config.created ?? "");
  const lastTaggedAtNs = await lastTagged(call, engine, image);
  return {
    ...image,
    ...familiarNames(image.names),
    layers,
    history: sizedHistory(image, sizes),
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    ...(createdAtNs === undefined ? {} : { createdAtNs }),
    ...(lastTaggedAtNs === undefined ? {} : { lastTaggedAtNs }),
  };
}

function sizedHistory({ config }: ResolvedImage, sizes: readonly number[]) {
  let layer = 0;
  return config.history.map((entry) => ({ ...entry, sizeBytes: entry.emptyLayer ? 0 : (sizes[layer++] ?? 0) }));
}

async function lastTagged(call: Call, { images }: Pick<Engine, "images">, { names }: ResolvedImage) {
  const found = await Promise.all(names.map((name) => images.find(call, name)));
  const times = found.flatMap((image) => (image === undefined ? [] : [image.updatedAtNs]));
  return times.length === 0 ? undefined : times.reduce((a, b) => (a > b ? a : b));
}
