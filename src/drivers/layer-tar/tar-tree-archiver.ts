import { Readable } from "node:stream";
import { MessageChannel } from "node:worker_threads";
import type { Call } from "#core/call.ts";
import type { TreeArchiver, TreeStat } from "#core/layers/tree-archiver.ts";
import type { LayerWorkers } from "./layer-workers.ts";
import { receiveChunks, sendChunks } from "./port-stream.ts";
import type { ByteString } from "./tar-entry.ts";

/**
 * {@link TreeArchiver} in worker threads that have the tree as their root. A slow client holds its thread, so these are
 * other threads than those that unpack layers.
 */
export class TarTreeArchiver implements TreeArchiver {
  readonly #workers: LayerWorkers;

  constructor(workers: LayerWorkers) {
    this.#workers = workers;
  }

  async stat(call: Call, root: string, path: string): Promise<TreeStat> {
    return await this.#workers.run(call, { t: "stat", root, path: toBytes(path) });
  }

  async read(call: Call, root: string, path: string): Promise<{ stat: TreeStat; archive: Readable }> {
    const stat = await this.stat(call, root, path);
    const { port1, port2 } = new MessageChannel();
    const archive = Readable.from(receiveChunks(port1), { objectMode: false });
    this.#workers
      .run(call, { t: "read", root, path: toBytes(path) }, port2)
      .catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
    return { stat, archive };
  }

  async write(
    call: Call,
    root: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: { keepTypes: boolean; keepOwners: boolean },
  ): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const work = this.#workers.run(call, { t: "write", root, path: toBytes(path), ...options }, port2);
    const sent = sendChunks(port1, archive);
    try {
      // The work's own error says more than that of a stream that it left.
      await Promise.race([work, sent.then(async () => await work)]);
    } catch (error) {
      port1.close();
      await work;
      throw error;
    } finally {
      port1.close();
      sent.catch(() => {});
    }
  }

  async copy(call: Call, root: string, from: string, to: string): Promise<void> {
    await this.#workers.run(call, { t: "copy", root, from: toBytes(from), to });
  }
}

function toBytes(path: string): ByteString {
  return Buffer.from(path, "utf8").toString("latin1");
}
