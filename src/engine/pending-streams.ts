import { PassThrough, type Readable, type Writable } from "node:stream";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Task, TaskStreams } from "#core/tasks/runtime.ts";
import type { PendingAttaches } from "./pending-attaches.ts";

export type StreamChoice = { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };

/** Streams of a process that is not there yet; they carry its bytes from its first one on. */
export class PendingStreams implements TaskStreams {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  readonly #errors = new PassThrough();
  readonly #pending: Disposable;
  #connected: TaskStreams | undefined;
  #closed = false;

  constructor(call: Call, attaches: PendingAttaches, id: ContainerId, choice: StreamChoice) {
    if (choice.stdin) this.stdin = this.#input;
    this.stdout = this.#output;
    this.stderr = this.#errors;
    this.#pending = attaches.add(id, async (task) => {
      try {
        await this.#connect(call, task, choice);
      } catch (error) {
        this.#destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Ends the streams: the process that was waited for will not come. */
  end(): void {
    this.#output.end();
    this.#errors.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#pending[Symbol.dispose]();
    this.#destroy();
    await this.#connected?.[Symbol.asyncDispose]();
  }

  async #connect(call: Call, task: Task, choice: StreamChoice): Promise<void> {
    const streams = await task.attach(call, choice);
    if (this.#closed) return await streams[Symbol.asyncDispose]();
    this.#connected = streams;
    this.#join(streams.stdout, this.#output);
    this.#join(streams.stderr, this.#errors);
    if (streams.stdin !== undefined) this.#join(this.#input, streams.stdin);
  }

  /** `pipe` and not `pipeline`: the end of one stream does not tear down the others. */
  #join(from: Readable, to: Writable): void {
    from.on("error", (error) => to.destroy(error));
    to.on("error", () => from.unpipe(to));
    from.pipe(to);
  }

  #destroy(error?: Error): void {
    for (const stream of [this.#input, this.#output, this.#errors]) {
      // Nobody may be listening any more.
      stream.on("error", () => {});
      stream.destroy(error);
    }
  }
}
