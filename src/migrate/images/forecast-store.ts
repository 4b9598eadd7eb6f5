import { EngineError, errnoOf } from "#base/errors.ts";
import type { DockerStore } from "./docker-store/docker-store.ts";
import { estimatePacked } from "./estimate-packed.ts";
import type { PlannedLayer } from "./image-target.ts";
import { roundedUp, scanLayer } from "./scan-layer.ts";

/** Disk blocks and inodes. */
export type Room = { readonly bytes: number; readonly inodes: number };

/** What the images of a store take in a runtime that has none of them. */
export type StoreForecast = {
  /** Layers as packed archives, and documents. */
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
/** Of some frames only: to be on the safe side. */
const packedMargin = 1.1;

/**
 * From layers' headers, and some frames of their archives, packed for a try. A layer that is damaged is left out, as it will
 * be when images are carried.
 */
export async function forecastStore({ images }: DockerStore): Promise<StoreForecast> {
  const layers = new Map(images.flatMap((image) => image.layers.map((layer) => [layer.diffId, layer] as const)));
  const scanned: PlannedLayer[] = [];
  for (const layer of layers.values()) {
    try {
      scanned.push({ layer, scan: await scanLayer(layer) });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }
  const packed = await packedPart(scanned);
  const documents = images.reduce((sum, { configBytes }) => sum + 2 * roundedUp(configBytes.length), 0);
  let forecast: StoreForecast = {
    archives: { bytes: documents, inodes: 2 * images.length },
    trees: none,
    sharable: none,
    recipes: none,
  };
  for (const { scan } of scanned) forecast = withLayer(forecast, scan, packed);
  return forecast;
}

const none: Room = { bytes: 0, inodes: 0 };

/** All of it where files cannot be read: a copy of a host's root, or no right to. */
async function packedPart(layers: readonly PlannedLayer[]): Promise<number> {
  try {
    return Math.min(1, packedMargin * (await estimatePacked(layers, { isQuick: true })));
  } catch (error) {
    if (error instanceof EngineError || errnoOf(error) !== undefined) return 1;
    throw error;
  }
}

function withLayer(sum: StoreForecast, scan: PlannedLayer["scan"], packed: number): StoreForecast {
  const { tarBytes, recipeBytes, inodes, fileBytes, otherBytes, sharable } = scan;
  return {
    archives: plus(sum.archives, { bytes: roundedUp(tarBytes * packed), inodes: 1 }),
    trees: plus(plus(sum.trees, ownOfLayer), { bytes: fileBytes + otherBytes, inodes }),
    sharable: plus(sum.sharable, { bytes: sharable.bytes, inodes: sharable.files }),
    recipes: plus(sum.recipes, { bytes: roundedUp(recipeBytes), inodes: 1 }),
  };
}

function plus(one: Room, other: Room): Room {
  return { bytes: one.bytes + other.bytes, inodes: one.inodes + other.inodes };
}
