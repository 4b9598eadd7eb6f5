import { availableParallelism } from "node:os";
import { Worker, type MessagePort } from "node:worker_threads";
import { EngineError } from "#base/errors.ts";
import { Limiter } from "#base/limiter.ts";
import type { Call } from "#core/call.ts";
import type { LayerJob, LayerJobAnswer, LayerJobMessage, LayerJobResult } from "./layer-job.ts";
import { syscalls } from "./syscalls.ts";

const idleMs = 10_000;

/** A few threads that each do one job at a time. Started when needed, ended when idle; the daemon closes the pool. */
export class LayerWorkers implements AsyncDisposable {
  readonly #places: Limiter;
  readonly #idle: { worker: Worker; timer: NodeJS.Timeout }[] = [];
  readonly #all = new Set<Worker>();

  /** `max` threads at a time; default: as many as there are processors, 2 to 4. */
  constructor(max: number = Math.max(2, Math.min(4, availableParallelism()))) {
    this.#places = new Limiter(max);
  }

  /**
   * Aborting `call.signal` ends the job at its next step; the tree is at rest when this settles.
   *
   * @throws EngineError as the job does
   */
  async run<J extends LayerJob>(call: Call, job: J, stream?: MessagePort): Promise<LayerJobResult[J["t"]]> {
    using _place = await this.#places.acquire(call.signal);
    const worker = this.#take();
    const cancel = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = () => void Atomics.store(cancel, 0, 1);
    call.signal.addEventListener("abort", onAbort, { once: true });
    try {
      const answer = await ask(worker, { job, cancel, ...(stream === undefined ? {} : { stream }) });
      this.#giveBack(worker);
      if (answer.t === "done") return answer.result as LayerJobResult[J["t"]];
      if (answer.kind === "canceled") call.signal.throwIfAborted();
      throw new EngineError(answer.kind, answer.message);
    } finally {
      call.signal.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(): Worker {
    const idle = this.#idle.pop();
    if (idle === undefined) return this.#start();
    clearTimeout(idle.timer);
    idle.worker.ref();
    return idle.worker;
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./layer-worker.${extension}`, import.meta.url), {
      name: "layer",
      trackUnmanagedFds: false,
    });
    this.#all.add(worker);
    worker.once("exit", () => this.#all.delete(worker));
    return worker;
  }

  #giveBack(worker: Worker): void {
    const end = () => {
      this.#idle.splice(
        this.#idle.findIndex((idle) => idle.worker === worker),
        1,
      );
      void worker.terminate().then(() => {
        if (this.#all.size === 0) returnFreedMemory();
      });
    };
    worker.unref();
    this.#idle.push({ worker, timer: setTimeout(end, idleMs).unref() });
  }
}

/**
 * Megabyte buffers that zlib's and the workers' threads freed stay in the allocator's arenas, tens of megabytes of them.
 * Runs on one of koffi's threads. Source: malloc_trim(3).
 */
function returnFreedMemory(): void {
  syscalls.mallocTrim.async(0, () => {});
}

/** Posts the job and waits; a thread that dies instead of answering is an error. */
async function ask(worker: Worker, message: LayerJobMessage): Promise<LayerJobAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<LayerJobAnswer>();
  const onExit = () => reject(new EngineError("internal", "layer worker: ended before its work was done"));
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", onExit);
  try {
    worker.postMessage(message, message.stream === undefined ? [] : [message.stream]);
    return await promise;
  } finally {
    worker.off("message", resolve);
    worker.off("error", reject);
    worker.off("exit", onExit);
  }
}
