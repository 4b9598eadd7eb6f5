import { closeFd, drainEventFd, openEventFd, POLLIN, POLLOUT, pollAsync, wakeEventFd } from "./syscalls.ts";

export type PolledFd = {
  readonly fd: number;
  wantsRead: boolean;
  wantsWrite: boolean;
  /** Called in the main thread; must not block. */
  onReady(): void;
};

/** A poll that nobody wakes ends by itself, so that a process that exits is not held up by the thread in it. */
const pollTimeoutMs = 1000;

/**
 * Tells when file descriptors that Node has no handle for are ready. While there are any, one poll(2) waits in one
 * thread of the pool; without any there is nothing.
 */
export class FdPoller {
  readonly #entries = new Set<PolledFd>();
  #eventFd = -1;
  #waiting = false;
  #running = false;

  add(entry: PolledFd): void {
    this.#entries.add(entry);
    if (!this.#running) void this.#run();
    else this.update();
  }

  remove(entry: PolledFd): void {
    this.#entries.delete(entry);
    this.update();
  }

  /** To be called when an entry wants something else. */
  update(): void {
    if (this.#waiting) wakeEventFd(this.#eventFd);
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#eventFd = openEventFd();
    try {
      while (this.#entries.size > 0) await this.#pollOnce();
    } finally {
      closeFd(this.#eventFd);
      this.#running = false;
      // One may have come after the loop saw none.
      if (this.#entries.size > 0) void this.#run();
    }
  }

  async #pollOnce(): Promise<void> {
    const polled = [...this.#entries];
    const buffer = Buffer.alloc((polled.length + 1) * 8);
    writeEntry(buffer, 0, this.#eventFd, POLLIN);
    polled.forEach((entry, at) => {
      const events = (entry.wantsRead ? POLLIN : 0) | (entry.wantsWrite ? POLLOUT : 0);
      // A negative fd is passed over: one that wants nothing must not report its end again and again.
      writeEntry(buffer, at + 1, events === 0 ? -1 : entry.fd, events);
    });
    this.#waiting = true;
    await pollAsync(buffer, polled.length + 1, pollTimeoutMs);
    this.#waiting = false;
    if (buffer.readInt16LE(6) !== 0) drainEventFd(this.#eventFd);
    polled.forEach((entry, at) => {
      if (buffer.readInt16LE((at + 1) * 8 + 6) !== 0 && this.#entries.has(entry)) entry.onReady();
    });
  }
}

function writeEntry(buffer: Buffer, at: number, fd: number, events: number): void {
  buffer.writeInt32LE(fd, at * 8);
  buffer.writeInt16LE(events, at * 8 + 4);
}
