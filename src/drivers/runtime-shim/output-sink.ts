import { Readable } from "node:stream";

/** The output side of one attached client. One that does not read holds up the log's growth, and so in the end nothing else. */
export class OutputSink {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #wanted: { readonly stdout: boolean; readonly stderr: boolean };
  #released = false;
  #drained = Promise.withResolvers<void>();

  constructor(wanted: { readonly stdout: boolean; readonly stderr: boolean }) {
    this.#wanted = wanted;
    this.stdout = this.#open(wanted.stdout);
    this.stderr = this.#open(wanted.stderr);
  }

  /** Settles when the client can take more. */
  async write(name: "stdout" | "stderr", chunk: Buffer): Promise<void> {
    const stream = this[name];
    if (!this.#wanted[name] || stream.destroyed) return;
    this.#drained = Promise.withResolvers();
    if (stream.push(chunk) || this.#released) return;
    await this.#drained.promise;
  }

  /** Waits for the client no longer. */
  release(): void {
    this.#released = true;
    this.#drained.resolve();
  }

  /** Everything was said. */
  end(): void {
    for (const name of ["stdout", "stderr"] as const)
      if (this.#wanted[name] && !this[name].destroyed) this[name].push(null);
  }

  /** The client has gone. */
  close(): void {
    this.release();
    this.stdout.destroy();
    this.stderr.destroy();
  }

  #open(wanted: boolean): Readable {
    const stream = new Readable({ read: () => this.#drained.resolve(), highWaterMark: 64 * 1024 });
    stream.on("error", () => {});
    stream.on("close", () => this.#drained.resolve());
    if (!wanted) stream.push(null);
    return stream;
  }
}
