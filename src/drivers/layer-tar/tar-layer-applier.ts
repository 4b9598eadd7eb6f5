import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Call } from "#core/call.ts";
import { parseDiffId } from "#core/content/digest.ts";
import type { AppliedLayer, LayerApplier, LayerLimits, LayerRecipe, LayerSource } from "#core/layers/layer-applier.ts";
import type { LayerTarget } from "#core/snapshots/snapshotter.ts";
import type { LayerJob } from "./layer-job.ts";
import type { LayerWorkers } from "./layer-workers.ts";
import { receiveChunks } from "./port-stream.ts";

/** {@link LayerApplier} in worker threads that have the target as their root. */
export class TarLayerApplier implements LayerApplier {
  readonly #workers: LayerWorkers;

  constructor(workers: LayerWorkers) {
    this.#workers = workers;
  }

  async apply(call: Call, source: LayerSource, target: LayerTarget, limits: LayerLimits): Promise<AppliedLayer> {
    return await this.#apply(call, { ...jobOf(source), ...placeOf(target), limits }, target);
  }

  /**
   * {@link apply} from a recipe, whose archive is given too as it is made. Who takes it sets the pace; `applied` says at the
   * end what it was. Who does not go on to the end calls `cancel`, and waits for `applied` all the same.
   */
  applyAndRead(call: Call, recipe: LayerRecipe, target: LayerTarget, limits: LayerLimits): AppliedAndRead {
    const { port1, port2 } = new MessageChannel();
    const applied = this.#apply(call, { ...jobOf(recipe), ...placeOf(target), limits }, target, port2);
    // Told to whoever waits for it, and to who reads.
    applied.catch(() => port1.close());
    return { archive: readBeside(port1, applied), applied, cancel: () => port1.close() };
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

  async #apply(
    call: Call,
    job: LayerJob & { t: "apply" | "adopt" },
    { directory, parents }: LayerTarget,
    stream?: MessagePort,
  ): Promise<AppliedLayer> {
    const applied = await this.#workers.run(call, job, stream);
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

export type AppliedAndRead = {
  readonly archive: AsyncIterable<Uint8Array>;
  readonly applied: Promise<AppliedLayer>;
  readonly cancel: () => void;
};

/** A thread that failed closes its end early: what it says is the reason. */
async function* readBeside(port: MessagePort, applied: Promise<AppliedLayer>): AsyncGenerator<Uint8Array> {
  try {
    yield* receiveChunks(port);
  } catch (error) {
    await applied;
    throw error;
  } finally {
    port.close();
  }
}

function placeOf({ directory, whiteouts }: LayerTarget) {
  return { directory, whiteouts };
}

function jobOf(source: LayerSource) {
  if ("blob" in source) return { t: "apply", blobPath: source.blob.path, compression: source.compression } as const;
  return { t: "adopt", recipePath: source.recipePath, filesDirectory: source.filesDirectory } as const;
}
