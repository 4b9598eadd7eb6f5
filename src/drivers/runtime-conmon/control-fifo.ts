import { constants, open, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "#base/errors.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";
import { unreadBytes } from "./syscalls.ts";

const stepMs = 2;
/** How long a monitor may take to read what it was told; it reads at once unless it was stopped. */
const readWaitMs = 10_000;

/**
 * Conmon's control FIFO (`type height width` lines). Source: conmon src/ctrl.c.
 *
 * Conmon up to 2.1.6 takes several messages that it reads at once for the first of them, and a log that is opened anew
 * twice has lost what was written in between. So a message is written when the one before has been read.
 */
export class ControlFifo {
  readonly #path: string;
  #tail: Promise<unknown> = Promise.resolve();
  #size: TerminalSize | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Of several sizes that wait the newest is sent. */
  async resize(size: TerminalSize): Promise<void> {
    this.#size = size;
    await this.#inTurn(async (fifo) => {
      const wanted = this.#size;
      this.#size = undefined;
      if (wanted !== undefined) await fifo.write(`1 ${wanted.height} ${wanted.width}\n`);
      return true;
    });
  }

  /**
   * Has the monitor open the log's path anew; settles when it has read that. False when there is no monitor any more, or
   * none that reads: it will not do it later either.
   */
  async reopenLog(): Promise<boolean> {
    return await this.#inTurn(async (fifo) => {
      await fifo.write("2 0 0\n");
      return (await this.#isRead(fifo)) || !(await this.#takeBack());
    });
  }

  async #inTurn(send: (fifo: FileHandle) => Promise<boolean>): Promise<boolean> {
    const sent = this.#tail.then(async () => {
      await using fifo = await this.#open();
      return fifo !== undefined && (await this.#isRead(fifo)) && (await send(fifo));
    });
    this.#tail = sent.catch(() => {});
    return await sent;
  }

  async #open(): Promise<FileHandle | undefined> {
    try {
      return await open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      // No reader, or no FIFO: the monitor has ended.
      if (errnoOf(error) === "ENXIO" || errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async #isRead({ fd }: FileHandle): Promise<boolean> {
    for (const end = performance.now() + readWaitMs; unreadBytes(fd) > 0; await sleep(stepMs)) {
      // What a monitor read just before it ended is read.
      if (performance.now() > end || !(await this.#isHeard())) return unreadBytes(fd) === 0;
    }
    return true;
  }

  async #isHeard(): Promise<boolean> {
    await using fifo = await this.#open();
    return fifo !== undefined;
  }

  /** Whether the message was still there: whoever reads it has it. */
  async #takeBack(): Promise<boolean> {
    await using fifo = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { bytesRead } = await fifo.read({ buffer: Buffer.alloc(64) }).catch(() => ({ bytesRead: 0 }));
    return bytesRead > 0;
  }
}
