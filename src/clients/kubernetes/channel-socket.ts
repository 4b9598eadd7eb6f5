import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { EngineError } from "#base/errors.ts";
import { KubernetesApiError } from "./api-error.ts";
import type { Abortable } from "./connection.ts";

/**
 * Spoken by every API server and kubelet for exec, attach and port-forward; its successor only adds the closing of a
 * channel. Source: k8s.io/streaming, wsstream.
 */
export const channelProtocol = "v4.channel.k8s.io";

export type ChannelMessage = { readonly channel: number; readonly bytes: Buffer };

type OpenOptions = {
  /** For messages. */
  readonly request: string;
  readonly failure: (cause: unknown) => Error;
};

/** Numbered byte channels in the messages of one WebSocket. Dispose to hang up. */
export class ChannelSocket implements Disposable {
  readonly #socket: WebSocket;
  readonly #messages = new Readable({ objectMode: true, highWaterMark: 1_000, read: () => {} });
  readonly #opened = Promise.withResolvers<void>();

  private constructor(call: Abortable, socket: WebSocket, { request, failure }: OpenOptions) {
    this.#socket = socket;
    const abort = () => this.#fail(failure(call.signal.reason));
    this.#messages.on("error", () => {});
    // Listened to from the first moment: messages may come with the answer itself.
    socket.on("message", (data) => this.#receive(toBuffer(data)));
    socket.on("open", () => this.#opened.resolve());
    socket.on("unexpected-response", (_request, answer) => {
      void refusal(request, answer).then((error) => this.#fail(error), abort);
    });
    socket.on("error", (cause) => this.#fail(failure(cause)));
    socket.on("close", () => {
      call.signal.removeEventListener("abort", abort);
      this.#opened.reject(failure(new Error("closed before it was open")));
      this.#messages.push(null);
    });
    call.signal.addEventListener("abort", abort);
    if (call.signal.aborted) abort();
  }

  /** Waits for the upgrade. @throws KubernetesApiError when it is refused; unavailable without an answer */
  static async open(call: Abortable, socket: WebSocket, options: OpenOptions): Promise<ChannelSocket> {
    const channels = new ChannelSocket(call, socket, options);
    await channels.#opened.promise;
    return channels;
  }

  send(channel: number, bytes: Buffer): void {
    this.#socket.send(Buffer.concat([Buffer.from([channel]), bytes]));
  }

  /** What comes until the other side hangs up. @throws unavailable when the connection breaks, canceled by the call */
  async *messages(): AsyncGenerator<ChannelMessage> {
    for await (const message of this.#messages) yield decodeMessage(message);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #fail(error: Error): void {
    this.#opened.reject(error);
    this.#messages.destroy(error);
    this[Symbol.dispose]();
  }

  #receive(message: Buffer): void {
    if (message.length > 0) this.#messages.push(message);
  }
}

function decodeMessage(message: unknown): ChannelMessage {
  if (!Buffer.isBuffer(message)) throw new Error("only buffers are pushed");
  return { channel: message.readUInt8(0), bytes: message.subarray(1) };
}

async function refusal(request: string, answer: IncomingMessage): Promise<Error> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk) || (size += chunk.length) > 1 << 20) break;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  const status = answer.statusCode ?? 0;
  if (status < 400) return new EngineError("unavailable", `${request}: answered ${status}, and no stream`);
  return new KubernetesApiError(request, { status, body: tryJson(text), text });
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
