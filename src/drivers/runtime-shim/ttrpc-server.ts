import { chmod, rm } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { errorKinds, kindOf, messageOf } from "#base/errors.ts";
import { ProtoFields, ProtoWriter } from "./protobuf.ts";
import { formatFrame, FrameReader, requestType, responseType } from "./ttrpc-frame.ts";

/** Answers one method; what it throws goes out as a status. */
export type TtrpcHandler = (payload: Uint8Array) => Promise<Uint8Array>;

/** Serves unary methods on a Unix socket. Disposing it ends every connection. */
export class TtrpcServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By `service/method`. */
  readonly #handlers: ReadonlyMap<string, TtrpcHandler>;

  constructor(handlers: ReadonlyMap<string, TtrpcHandler>) {
    this.#handlers = handlers;
    this.#server = createServer((socket) => this.#accept(socket)).unref();
  }

  /** A socket that a killed daemon left is taken over. Only root may connect. */
  async listen(path: string): Promise<void> {
    await rm(path, { force: true });
    this.#server.listen(path);
    await once(this.#server, "listening");
    await chmod(path, 0o600);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    const frames = new FrameReader();
    this.#sockets.add(socket);
    socket.unref();
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const { type, streamId, data } of frames.push(chunk))
          if (type === requestType) void this.#answer(socket, streamId, data);
      } catch {
        socket.destroy();
      }
    });
  }

  async #answer(socket: Socket, streamId: number, request: Uint8Array): Promise<void> {
    const response = await this.#respond(request);
    if (socket.writable) socket.write(formatFrame({ streamId, type: responseType, data: response.finish() }));
  }

  async #respond(request: Uint8Array): Promise<ProtoWriter> {
    try {
      const fields = new ProtoFields(request);
      const name = `${fields.string(1)}/${fields.string(2)}`;
      const handler = this.#handlers.get(name);
      if (handler === undefined) return failure(errorKinds.notImplemented.grpc, `${name}: not served`);
      return new ProtoWriter().message(1, new ProtoWriter()).bytes(2, await handler(fields.bytes(3)));
    } catch (error) {
      const kind = error instanceof RangeError ? "invalidArgument" : kindOf(error);
      return failure(errorKinds[kind].grpc, messageOf(error));
    }
  }
}

function failure(code: number, message: string): ProtoWriter {
  return new ProtoWriter().message(1, new ProtoWriter().integer(1, code).string(2, message));
}
