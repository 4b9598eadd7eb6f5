import type { Readable, Writable } from "node:stream";
import type { TaskStreams } from "#core/tasks/runtime.ts";
import { openFifoWriter } from "./fifo-streams.ts";
import { OutputSink } from "./output-sink.ts";
import type { ProcessOutput } from "./process-output.ts";
import type { ShimRecord } from "./shim-record.ts";

type StreamSource = {
  readonly output: ProcessOutput;
  readonly record: ShimRecord;
  /** Of stdin, which the shim keeps open until it is told to close it. */
  readonly fifo: string;
  readonly closeStdin: () => Promise<void>;
};

/** Attaches to a container's first process. */
export async function openTaskStreams(
  { output, record, fifo, closeStdin }: StreamSource,
  wanted: { stdin: boolean; stdout: boolean; stderr: boolean },
): Promise<TaskStreams> {
  const { stdin, tty } = record;
  // A terminal ends its input by a character; to close it would be the end of the process.
  const once = stdin === "once" && !tty;
  const close = once ? closeOnce(closeStdin) : async () => {};
  const input = wanted.stdin && stdin !== "none" ? await openFifoWriter(fifo, close) : undefined;
  const sink = new OutputSink({ stdout: wanted.stdout || (tty && wanted.stderr), stderr: wanted.stderr && !tty });
  output.add(sink);
  return new AttachedStreams(sink, input, async () => {
    output.remove(sink);
    sink.close();
    input?.destroy();
    if (input !== undefined) await close();
  });
}

class AttachedStreams implements TaskStreams {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #detach: () => Promise<void>;

  constructor(sink: OutputSink, stdin: Writable | undefined, detach: () => Promise<void>) {
    if (stdin !== undefined) this.stdin = stdin;
    this.stdout = sink.stdout;
    this.stderr = sink.stderr;
    this.#detach = detach;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#detach();
  }
}

/** Once; a shim that has ended needs not be told. */
function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return async () => {
    closed ??= close().catch(() => {});
    await closed;
  };
}
