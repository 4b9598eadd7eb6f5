import { RootedFiles } from "#base/tar-split/rooted-files.ts";
import { sampleTar } from "#base/tar-split/sample-tar.ts";
import { frameBytes, zstdFrames } from "#base/zstd-frames.ts";
import type { PlannedLayer } from "./image-target.ts";
import { counted } from "./layer-archive.ts";

/**
 * Frames to pack for an estimate: with fewer than twice as many all are, so that it is no estimate then. Of so many, spread
 * evenly over all there is, the mean was within 1.2 % of what all of a Debian image have, wherever it began.
 */
const enough = 512;
/** However much there is, so many times quicker than packing all of it. */
const maxEvery = 16;

export type EstimateOptions = {
  readonly signal?: AbortSignal;
  /** Fewer than twice {@link enough} frames, however much there is: for a plan, which is made while the node works. */
  readonly isQuick?: boolean;
};

/**
 * What part of their length layers' archives have when they are packed by `zstdFrames`: under a half of Debian. Tried on some frames
 * of each, evenly spread.
 *
 * @throws dataLoss when a file of a layer is missing
 */
export async function estimatePacked(
  layers: readonly PlannedLayer[],
  { signal, isQuick = false }: EstimateOptions = {},
): Promise<number> {
  const framesOf = ({ scan }: PlannedLayer) => Math.ceil(scan.tarBytes / frameBytes);
  const frames = layers.reduce((sum, layer) => sum + framesOf(layer), 0);
  const every = Math.min(Math.max(Math.floor(frames / enough), 1), isQuick ? Infinity : maxEvery);
  let [first, packed, taken] = [Math.floor(every / 2), 0, 0];
  for (const planned of layers) {
    const { recipePath, directory } = planned.layer;
    const sample = { windowBytes: frameBytes, every, first };
    const windows = sampleTar(recipePath, new RootedFiles(directory), sample);
    for await (const bytes of zstdFrames(counted(windows, (length) => (taken += length)))) {
      signal?.throwIfAborted();
      packed += bytes.length;
    }
    // As if all were one archive.
    first = (((first - framesOf(planned)) % every) + every) % every;
  }
  return taken === 0 ? 1 : packed / taken;
}
