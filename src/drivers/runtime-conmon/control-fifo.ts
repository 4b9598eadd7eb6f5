import { constants, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "#base/errors.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";

/** Conmon up to 2.1.6 takes several messages that it reads at once for the first of them; so they keep apart. */
const gapMs = 25;

/** Conmon's control FIFO (`type height width` lines). Source: conmon src/ctrl.c. */
export class ControlFifo {
  readonly #path: string;
  #tail: Promise<void> = Promise.resolve();
  #size: TerminalSize | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Of several sizes that wait the newest is sent. */
  async resize(size: TerminalSize): Promise<void> {
    this.#size = size;
    await this.#inTurn(async () => {
      const wanted = this.#size;
      this.#size = undefined;
      return wanted === undefined || (await this.#write(`1 ${wanted.height} ${wanted.width}\n`));
    });
  }

  /** Has the monitor open the log's path anew. False when there is no monitor any more. */
  async reopenLog(): Promise<boolean> {
    return await this.#inTurn(() => this.#write("2 0 0\n"));
  }

  async #inTurn(send: () => Promise<boolean>): Promise<boolean> {
    const before = this.#tail;
    const sent = before.then(send);
    this.#tail = sent.then(
      () => sleep(gapMs, undefined, { ref: false }),
      () => undefined,
    );
    return await sent;
  }

  async #write(line: string): Promise<boolean> {
    try {
      await using fifo = await open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
      await fifo.write(line);
      return true;
    } catch (error) {
      // No reader, or no FIFO: the monitor has ended.
      if (errnoOf(error) === "ENXIO" || errnoOf(error) === "ENOENT") return false;
      throw error;
    }
  }
}
