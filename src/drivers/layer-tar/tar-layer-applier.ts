import type { Call } from "#core/call.ts";
import { parseDiffId } from "#core/content/digest.ts";
import type { AppliedLayer, LayerApplier, LayerLimits, LayerSource } from "#core/layers/layer-applier.ts";
import type { LayerTarget } from "#core/snapshots/snapshotter.ts";
import type { LayerWorkers } from "./layer-workers.ts";

/** {@link LayerApplier} in worker threads that have the target as their root. */
export class TarLayerApplier implements LayerApplier {
  readonly #workers: LayerWorkers;

  constructor(workers: LayerWorkers) {
    this.#workers = workers;
  }

  async apply(call: Call, source: LayerSource, target: LayerTarget, limits: LayerLimits): Promise<AppliedLayer> {
    const { directory, whiteouts, parents } = target;
    const { path: blobPath } = source.blob;
    const { compression } = source;
    const job = { t: "apply", blobPath, compression, directory, whiteouts, limits } as const;
    const applied = await this.#workers.run(call, job);
    const result = { ...applied, diffId: parseDiffId(applied.diffId) };
    if (parents.length === 0) return result;
    await this.inheritDirectories(call, directory, applied.impliedDirectories, parents);
    return { ...result, impliedDirectories: [] };
  }

  async inheritDirectories(
    call: Call,
    directory: string,
    directories: readonly string[],
    parents: readonly string[],
  ): Promise<void> {
    if (directories.length === 0 || parents.length === 0) return;
    await this.#workers.run(call, { t: "inherit", directory, directories, parents });
  }
}
