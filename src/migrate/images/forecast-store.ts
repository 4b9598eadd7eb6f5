import { EngineError } from "#base/errors.ts";
import type { DockerLayer } from "./docker-store/docker-image.ts";
import type { DockerStore } from "./docker-store/docker-store.ts";
import { roundedUp, scanLayer } from "./scan-layer.ts";

/** Disk blocks and inodes. */
export type Room = { readonly bytes: number; readonly inodes: number };

/** What the images of a store take in a runtime that has none of them. */
export type StoreForecast = {
  /** Layers as archives. */
  readonly archives: Room;
  /** Layers as trees. */
  readonly trees: Room;
  /** Of the trees, files that can be Docker's own where both are on one filesystem. */
  readonly sharable: Room;
  /** What archives are rebuilt from. */
  readonly recipes: Room;
};

/** A snapshot's own directories, and its records. */
const ownOfLayer: Room = { bytes: 2 * 4096, inodes: 2 };

/** From layers' headers alone; one that is damaged is left out, as it will be when images are carried. */
export async function forecastStore({ images }: DockerStore): Promise<StoreForecast> {
  const layers = new Map(images.flatMap((image) => image.layers.map((layer) => [layer.diffId, layer] as const)));
  let forecast: StoreForecast = { archives: none, trees: none, sharable: none, recipes: none };
  for (const layer of layers.values()) forecast = await withLayer(forecast, layer);
  const documents = images.reduce((sum, { configBytes }) => sum + 2 * roundedUp(configBytes.length), 0);
  return { ...forecast, archives: plus(forecast.archives, { bytes: documents, inodes: 2 * images.length }) };
}

const none: Room = { bytes: 0, inodes: 0 };

async function withLayer(sum: StoreForecast, layer: DockerLayer): Promise<StoreForecast> {
  try {
    const { tarBytes, recipeBytes, inodes, fileBytes, otherBytes, sharable } = await scanLayer(layer);
    return {
      archives: plus(sum.archives, { bytes: roundedUp(tarBytes), inodes: 1 }),
      trees: plus(plus(sum.trees, ownOfLayer), { bytes: fileBytes + otherBytes, inodes }),
      sharable: plus(sum.sharable, { bytes: sharable.bytes, inodes: sharable.files }),
      recipes: plus(sum.recipes, { bytes: roundedUp(recipeBytes), inodes: 1 }),
    };
  } catch (error) {
    if (error instanceof EngineError) return sum;
    throw error;
  }
}

function plus(one: Room, other: Room): Room {
  return { bytes: one.bytes + other.bytes, inodes: one.inodes + other.inodes };
}
