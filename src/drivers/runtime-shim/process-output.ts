import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "#base/clock.ts";
import { messageOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import { formatCriLines } from "./cri-lines.ts";
import type { LogFile, Offsets } from "./log-file.ts";
import type { OutputSink } from "./output-sink.ts";
import { Spool } from "./spool.ts";

type StreamName = "stdout" | "stderr";

type Source = {
  readonly stream: StreamName;
  readonly spool: Spool;
  /** Read and not logged: the beginning of a line. */
  pending: Buffer;
};

export type OutputOptions = {
  readonly paths: { readonly stdout: string; readonly stderr?: string };
  readonly logFile: LogFile | undefined;
  readonly log: Logger;
  /** Longest line of the log that is not cut into pieces. */
  readonly maxLineBytes: number;
};

const retryMs = 1_000;

/** Carries what a process writes from its spools to its log and to whoever is attached, until {@link finish}. */
export class ProcessOutput {
  readonly #sources: readonly Source[];
  readonly #logFile: LogFile | undefined;
  readonly #sinks = new Set<OutputSink>();
  readonly #log: Logger;
  readonly #maxLineBytes: number;
  readonly #running: Promise<void>;
  #wake = Promise.withResolvers<void>();
  #grown = true;
  #ending = false;
  #stopped = false;
  /** The log's file is opened anew between two appends. */
  #betweenAppends: (() => Promise<void>) | undefined;

  private constructor(sources: readonly Source[], options: OutputOptions, wake: (grown: () => void) => void) {
    this.#sources = sources;
    this.#logFile = options.logFile;
    this.#log = options.log;
    this.#maxLineBytes = options.maxLineBytes;
    wake(() => this.#onGrown());
    this.#running = this.#run();
  }

  /** Goes on where the log of an earlier daemon ends; without a log, with what comes from now on. */
  static async open(options: OutputOptions): Promise<ProcessOutput> {
    let onGrown = () => {};
    const offsets = await options.logFile?.recover();
    const sources: Source[] = [];
    for (const stream of ["stdout", "stderr"] as const) {
      const path = options.paths[stream];
      if (path === undefined) continue;
      const from = offsets?.[stream] ?? (await stat(path)).size;
      sources.push({ stream, spool: await Spool.open(path, from, () => onGrown()), pending: Buffer.alloc(0) });
    }
    return new ProcessOutput(sources, options, (grown) => (onGrown = grown));
  }

  add(sink: OutputSink): void {
    this.#sinks.add(sink);
  }

  remove(sink: OutputSink): void {
    this.#sinks.delete(sink);
  }

  async reopenLog(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const earlier = this.#betweenAppends;
    this.#betweenAppends = async () => {
      await earlier?.();
      await this.#logFile?.reopen().then(resolve, reject);
    };
    this.#onGrown();
    await Promise.race([promise, this.#running]);
  }

  /** The process has ended and its shim has copied everything: settles when the log and the sinks have it. */
  async finish(): Promise<void> {
    this.#ending = true;
    for (const sink of this.#sinks) sink.release();
    this.#onGrown();
    await this.#running;
  }

  /** Lets go of everything; the next daemon goes on. */
  async close(): Promise<void> {
    this.#stopped = true;
    for (const sink of this.#sinks) sink.release();
    this.#onGrown();
    await this.#running;
  }

  #onGrown(): void {
    this.#grown = true;
    this.#wake.resolve();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#stepOrPause()));
    } finally {
      for (const { spool } of this.#sources) await spool.close().catch(() => {});
      await this.#logFile?.close().catch(() => {});
      for (const sink of this.#sinks) sink.end();
    }
  }

  /** A log that cannot be written (a full disk) is tried again, while the spool keeps what is to come; not after the end. */
  async #stepOrPause(): Promise<boolean> {
    try {
      return await this.#step();
    } catch (error) {
      this.#log.error({}, `container output: ${messageOf(error)}`);
      if (this.#ending) return false;
      await sleep(retryMs, undefined, { ref: false });
      return true;
    }
  }

  /** False when it was the last. */
  async #step(): Promise<boolean> {
    const between = this.#betweenAppends;
    this.#betweenAppends = undefined;
    await between?.();
    const ending = this.#ending;
    this.#grown = false;
    let any = false;
    for (const source of this.#sources) any = (await this.#carry(source)) || any;
    if (any) return true;
    if (ending) {
      for (const source of this.#sources) await this.#append(source, true);
      return false;
    }
    // What came while this read is seen in the next round.
    if (!this.#grown) await this.#wake.promise;
    this.#wake = Promise.withResolvers();
    return true;
  }

  async #carry(source: Source): Promise<boolean> {
    const chunk = await source.spool.read();
    if (chunk.length === 0) return false;
    for (const sink of this.#sinks) await sink.write(source.stream, chunk);
    if (this.#logFile !== undefined) {
      source.pending = source.pending.length === 0 ? chunk : Buffer.concat([source.pending, chunk]);
      await this.#append(source, false);
    }
    source.spool.free(loggedTo(source));
    return true;
  }

  async #append(source: Source, ended: boolean): Promise<void> {
    if (this.#logFile === undefined) return;
    const maxLineBytes = this.#maxLineBytes;
    const { text, consumed } = formatCriLines(source.pending, {
      stream: source.stream,
      atNs: nowNs(),
      ended,
      maxLineBytes,
    });
    if (consumed === 0) return;
    const [before, whole] = [this.#offsets(), source.pending];
    source.pending = whole.subarray(consumed);
    try {
      await this.#logFile.append(text, before, this.#offsets());
    } catch (error) {
      source.pending = whole;
      throw error;
    }
  }

  #offsets(): Offsets {
    const of = (stream: StreamName) => {
      const source = this.#sources.find((each) => each.stream === stream);
      return source === undefined ? 0 : loggedTo(source);
    };
    return { stdout: of("stdout"), stderr: of("stderr") };
  }
}

function loggedTo({ spool, pending }: Source): number {
  return spool.readTo - pending.length;
}
