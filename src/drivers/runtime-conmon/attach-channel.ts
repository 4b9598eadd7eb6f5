import { open } from "node:fs/promises";
import { dirname, basename } from "node:path";
import { Readable, Writable } from "node:stream";
import { EngineError } from "#base/errors.ts";
import type { TaskStreams } from "#core/tasks/runtime.ts";
import type { FdPoller, PolledFd } from "./fd-poller.ts";
import { closeFd, connectSeqpacket, EAGAIN, receive, sendPacket, shutdownWrite } from "./syscalls.ts";

export type AttachOptions = {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /**
   * Stay connected, unheard, until the process ends: a monitor that was told to close stdin with its first client takes
   * the leaving of a client without stdin for that too.
   */
  readonly linger: boolean;
};

/** One type byte and at most 8 KiB. Source: conmon src/ctr_stdio.c. */
const packetBytes = 8 * 1024 + 1;
/** Conmon reads at most 32 KiB of a packet and drops the rest. */
const inputBytes = 16 * 1024;
const stdoutType = 2;
const stderrType = 3;
/** Packets read before others get their turn. */
const packetsPerTurn = 64;

/**
 * Streams over a monitor's attach socket. A reader that does not read holds up the process in the end, as a pipe would.
 *
 * @throws failedPrecondition when there is no monitor any more
 */
export async function openAttachChannel(path: string, poller: FdPoller, options: AttachOptions): Promise<TaskStreams> {
  return new AttachChannel(await connectTo(path), poller, options);
}

/** Through the directory's descriptor: a socket's address holds 107 bytes. */
async function connectTo(path: string): Promise<number> {
  await using directory = await open(dirname(path), "r");
  const connected = connectSeqpacket(`/proc/self/fd/${directory.fd}/${basename(path)}`);
  if ("value" in connected) return connected.value;
  throw new EngineError("failedPrecondition", `attach: the process has ended (errno ${connected.errno})`);
}

class AttachChannel implements TaskStreams {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #poller: FdPoller;
  readonly #polled: PolledFd;
  readonly #linger: boolean;
  readonly #buffer = Buffer.allocUnsafeSlow(packetBytes);
  /** Outputs nobody asked for. */
  readonly #ended = new Set<Readable>();
  #open = true;
  #discard = false;
  #pending: { chunk: Buffer; done: () => void } | undefined;

  constructor(fd: number, poller: FdPoller, options: AttachOptions) {
    this.#poller = poller;
    this.#linger = options.linger;
    this.#polled = { fd, wantsRead: true, wantsWrite: false, onReady: () => this.#onReady() };
    this.stdout = this.#output(options.stdout);
    this.stderr = this.#output(options.stderr);
    if (options.stdin) this.stdin = this.#input();
    poller.add(this.#polled);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of [this.stdout, this.stderr, this.stdin]) stream?.destroy();
    if (!this.#linger) return this.#close();
    this.#discard = true;
    this.#want({ read: true });
  }

  #output(wanted: boolean): Readable {
    const stream = new Readable({ read: () => this.#want({ read: true }), highWaterMark: 64 * 1024 });
    stream.on("error", () => {});
    if (!wanted) {
      this.#ended.add(stream);
      stream.push(null);
    }
    return stream;
  }

  #input(): Writable {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#pending = { chunk, done };
        this.#flush();
      },
      final: (done) => {
        if (this.#open) shutdownWrite(this.#polled.fd);
        done();
      },
    });
    stream.on("error", () => {});
    return stream;
  }

  #want(what: { read?: boolean; write?: boolean }): void {
    if (!this.#open) return;
    const { wantsRead, wantsWrite } = this.#polled;
    this.#polled.wantsRead = what.read ?? wantsRead;
    this.#polled.wantsWrite = what.write ?? wantsWrite;
    if (wantsRead !== this.#polled.wantsRead || wantsWrite !== this.#polled.wantsWrite) this.#poller.update();
  }

  #onReady(): void {
    if (this.#polled.wantsWrite) this.#flush();
    for (let count = 0; count < packetsPerTurn && this.#open && this.#polled.wantsRead; count++) {
      const received = receive(this.#polled.fd, this.#buffer);
      if ("errno" in received && received.errno === EAGAIN) return;
      if ("errno" in received || received.value === 0) return this.#finish();
      this.#deliver(this.#buffer[0], Buffer.from(this.#buffer.subarray(1, received.value)));
    }
  }

  #deliver(type: number | undefined, chunk: Buffer): void {
    const stream = type === stdoutType ? this.stdout : type === stderrType ? this.stderr : undefined;
    if (this.#discard || stream === undefined || stream.destroyed || this.#ended.has(stream)) return;
    if (!stream.push(chunk)) this.#want({ read: false });
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    while (pending.chunk.length > 0 && this.#open) {
      const sent = sendPacket(this.#polled.fd, pending.chunk.subarray(0, inputBytes));
      if ("errno" in sent && sent.errno === EAGAIN) return this.#want({ write: true });
      // The process has closed its stdin or ended; what was typed into it is lost, as with a pipe.
      if ("errno" in sent) break;
      pending.chunk = pending.chunk.subarray(sent.value);
    }
    this.#pending = undefined;
    this.#want({ write: false });
    pending.done();
  }

  /** The monitor has closed: everything was said. */
  #finish(): void {
    this.#close();
    for (const stream of [this.stdout, this.stderr])
      if (!this.#ended.has(stream) && !stream.destroyed) stream.push(null);
    this.stdin?.destroy();
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.remove(this.#polled);
    closeFd(this.#polled.fd);
    this.#pending?.done();
    this.#pending = undefined;
  }
}
