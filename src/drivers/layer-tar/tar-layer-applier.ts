import { MessageChannel } from "node:worker_threads";
import type { Call } from "#core/call.ts";
import { parseDiffId } from "#core/content/digest.ts";
import type { AppliedLayer, LayerApplier, LayerLimits, LayerRecipe, LayerSource } from "#core/layers/layer-applier.ts";
import type { LayerTarget } from "#core/snapshots/snapshotter.ts";
import type { LayerWorkers } from "./layer-workers.ts";
import { receiveChunks } from "./port-stream.ts";

/** {@link LayerApplier} in worker threads that have the target as their root. */
export class TarLayerApplier implements LayerApplier {
  readonly #workers: LayerWorkers;

  constructor(workers: LayerWorkers) {
    this.#workers = workers;
  }

  async apply(call: Call, source: LayerSource, target: LayerTarget, limits: LayerLimits): Promise<AppliedLayer> {
    const { directory, whiteouts, parents } = target;
    const applied = await this.#workers.run(call, { ...jobOf(source), directory, whiteouts, limits });
    const result = { ...applied, diffId: parseDiffId(applied.diffId) };
    if (parents.length === 0) return result;
    await this.inheritDirectories(call, directory, applied.impliedDirectories, parents);
    return { ...result, impliedDirectories: [] };
  }

  async *rebuild(call: Call, { recipePath, filesDirectory }: LayerRecipe): AsyncGenerator<Uint8Array> {
    const { port1, port2 } = new MessageChannel();
    const work = this.#workers.run(call, { t: "rebuild", recipePath, filesDirectory }, port2);
    // Told when the stream has ended: a thread that failed closes it early.
    work.catch(() => {});
    try {
      yield* receiveChunks(port1);
    } finally {
      port1.close();
      await work;
    }
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

function jobOf(source: LayerSource) {
  if ("blob" in source) return { t: "apply", blobPath: source.blob.path, compression: source.compression } as const;
  return { t: "adopt", recipePath: source.recipePath, filesDirectory: source.filesDirectory } as const;
}
