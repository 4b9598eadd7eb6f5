import { EngineError } from "#base/errors.ts";
import type { DiffId } from "#core/content/digest.ts";
import { formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";
import type { BrokenImage, DockerImage } from "./docker-store/docker-image.ts";
import type { DockerStore } from "./docker-store/docker-store.ts";
import type { ImagesPlan, PlannedLayer } from "./image-target.ts";
import { scanLayer } from "./scan-layer.ts";

/**
 * What of a store is to be carried, its layers' headers read.
 *
 * @param wanted names and IDs (or their beginnings); empty: all
 * @throws notFound for one that the store does not have
 */
export async function planImages(
  signal: AbortSignal,
  store: DockerStore,
  wanted: readonly string[],
): Promise<{ plan: ImagesPlan; broken: BrokenImage[] }> {
  const chosen = selectImages(store, wanted);
  const layers = new Map<DiffId, PlannedLayer>();
  const broken: BrokenImage[] = [...chosen.broken];
  const images: DockerImage[] = [];
  for (const image of chosen.images) {
    try {
      for (const layer of image.layers) {
        signal.throwIfAborted();
        if (!layers.has(layer.diffId)) layers.set(layer.diffId, { layer, scan: await scanLayer(layer) });
      }
      images.push(image);
    } catch (error) {
      if (!(error instanceof EngineError) || error.kind === "canceled") throw error;
      broken.push({ id: image.id, tags: image.tags, problem: error.message });
    }
  }
  return { plan: { images, layers: needed(images, layers) }, broken };
}

/** Without those that only a broken image has. */
function needed(images: readonly DockerImage[], layers: ReadonlyMap<DiffId, PlannedLayer>): Map<DiffId, PlannedLayer> {
  const ids = new Set(images.flatMap((image) => image.layers.map(({ diffId }) => diffId)));
  return new Map([...layers].filter(([diffId]) => ids.has(diffId)));
}

function selectImages(
  { images, broken }: DockerStore,
  wanted: readonly string[],
): Pick<DockerStore, "images" | "broken"> {
  if (wanted.length === 0) return { images, broken };
  const matchers = wanted.map((text) => ({ text, fits: matcherOf(text) }));
  for (const { text, fits } of matchers) {
    if (![...images, ...broken].some(fits))
      throw new EngineError("notFound", `no such image in the data root: ${text}`);
  }
  const keep = (image: Named) => matchers.some(({ fits }) => fits(image));
  return { images: images.filter(keep), broken: broken.filter(keep) };
}

type Named = Pick<DockerImage, "id" | "tags">;

function matcherOf(text: string): (image: Named) => boolean {
  const hex = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  const name =
    text.startsWith("sha256:") || hex?.length === 64
      ? undefined
      : formatReference(withDefaultTag(parseReference(text)));
  return ({ id, tags }) =>
    (name !== undefined && tags.includes(name)) || (hex !== undefined && id.startsWith(`sha256:${hex}`));
}

/** Bytes of the archives that an image adds to those counted before. */
export function archiveBytes({ layers }: ImagesPlan): number {
  return [...layers.values()].reduce((sum, { scan }) => sum + scan.tarBytes, 0);
}
