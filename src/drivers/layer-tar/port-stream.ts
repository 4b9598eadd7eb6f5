import type { MessagePort } from "node:worker_threads";
import { AsyncQueue } from "#base/async-queue.ts";

type FromSender = { readonly t: "chunk"; readonly chunk: Uint8Array } | { readonly t: "end" };

/** Chunks on their way before the sender waits. */
const windowChunks = 4;

/** Sends all of `chunks` as fast as the receiver takes them; stops early when the receiver has gone. */
export async function sendChunks(
  port: MessagePort,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const window = new SendWindow(port);
  for await (const chunk of chunks) {
    if (!(await window.take())) return;
    port.postMessage({ t: "chunk", chunk } satisfies FromSender);
  }
  port.postMessage({ t: "end" } satisfies FromSender);
}

/** How much may still be sent: each chunk takes one, each acknowledgement gives one back. */
class SendWindow {
  #credit = windowChunks;
  #gone = false;
  #wake: (() => void) | undefined;

  constructor(port: MessagePort) {
    port.on("message", () => {
      this.#credit++;
      this.#wake?.();
    });
    port.once("close", () => {
      this.#gone = true;
      this.#wake?.();
    });
  }

  /** Waits for room; false when the receiver has gone. */
  async take(): Promise<boolean> {
    while (this.#credit === 0 && !this.#gone) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    this.#credit--;
    return !this.#gone;
  }
}

/** What the other side sends, until it ends; leaving the loop early tells it to stop. Closes the port. */
export async function* receiveChunks(port: MessagePort): AsyncGenerator<Buffer> {
  // The window bounds it: nothing is dropped.
  const queue = new AsyncQueue<Uint8Array>();
  port.on("message", (message: FromSender) => {
    if (message.t === "chunk") queue.push(message.chunk);
    else queue.close();
  });
  port.once("close", () => queue.close(new Error("archive: the other side has gone")));
  try {
    for await (const chunk of queue) {
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      port.postMessage("ack");
    }
  } finally {
    port.close();
  }
}
