import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { EngineError, errorKinds, messageOf, type ErrorKind } from "#base/errors.ts";
import { ProtoFields, ProtoWriter } from "./protobuf.ts";
import { formatFrame, FrameReader, maxFrameBytes, requestType, responseType } from "./ttrpc-frame.ts";

export type TtrpcCall = {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  /** Ends the wait; the server is told of `timeoutMs` alone, ttrpc has no message that cancels. */
  readonly signal?: AbortSignal;
  /** None when left out. */
  readonly timeoutMs?: number;
};

type Pending = { readonly resolve: (payload: Uint8Array) => void; readonly reject: (error: unknown) => void };

/** A connection to a ttrpc server, several calls in flight. Disposing it fails those with `unavailable`. */
export class TtrpcClient implements Disposable {
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<void>();
  #lastId = -1;
  #open = true;

  /** Takes the connected socket over; see {@link connectTtrpc}. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = this.#closed.promise;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.close());
  }

  /**
   * The answer's payload.
   *
   * @throws what the server's status says; unavailable when the connection is lost; the signal's reason; deadlineExceeded
   */
  async call({ service, method, payload, signal, timeoutMs }: TtrpcCall): Promise<Uint8Array> {
    signal?.throwIfAborted();
    if (!this.#open) throw lost(method);
    const request = new ProtoWriter().string(1, service).string(2, method).bytes(3, payload);
    const data = request.integer(4, BigInt(timeoutMs ?? 0) * 1_000_000n).finish();
    if (data.length > maxFrameBytes) throw new EngineError("resourceExhausted", `${method}: ${data.length} bytes`);
    const streamId = (this.#lastId += 2);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const onAbort = () => reject(signal?.reason as Error);
    const onLate = () => reject(new EngineError("deadlineExceeded", `${method}: no answer within ${timeoutMs} ms`));
    const timer = timeoutMs === undefined ? undefined : setTimeout(onLate, timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#pending.set(streamId, { resolve, reject });
    this.#socket.write(formatFrame({ streamId, type: requestType, data }));
    try {
      return await promise;
    } catch (error) {
      if (error === connectionLost) throw lost(method);
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#pending.delete(streamId);
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.destroy();
    for (const { reject } of this.#pending.values()) reject(connectionLost);
    this.#closed.resolve();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #received(chunk: Buffer): void {
    try {
      for (const { streamId, type, data } of this.#frames.push(chunk)) {
        const pending = this.#pending.get(streamId);
        if (type === responseType && pending !== undefined) settle(pending, data);
      }
    } catch {
      // What follows broken framing cannot be told apart.
      this.close();
    }
  }
}

/** `address` is a path, or `unix://` and a path. @throws unavailable when nobody listens */
export async function connectTtrpc(address: string, signal?: AbortSignal): Promise<TtrpcClient> {
  signal?.throwIfAborted();
  const socket = connect(socketPath(address));
  try {
    await once(socket, "connect", signal === undefined ? {} : { signal });
    return new TtrpcClient(socket);
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw new EngineError("unavailable", `${address}: ${messageOf(error)}`, { cause: error });
  }
}

/** File of a socket's address; an abstract one (`@…`) begins with a zero byte. */
export function socketPath(address: string): string {
  const path = address.replace(/^unix:\/\//, "");
  return path.startsWith("@") ? `\0${path.slice(1)}` : path;
}

const connectionLost = new Error("connection lost");

function lost(method: string): EngineError {
  return new EngineError("unavailable", `${method}: the connection has ended`);
}

/** `Response`: status (code 1, message 2) 1, payload 2. */
function settle({ resolve, reject }: Pending, data: Uint8Array): void {
  try {
    const response = new ProtoFields(data);
    const status = response.message(1);
    const code = status.number(1);
    if (code === 0) resolve(response.bytes(2));
    else reject(new EngineError(kindOfCode(code), status.string(2)));
  } catch (error) {
    reject(new EngineError("internal", `ttrpc: ${messageOf(error)}`, { cause: error }));
  }
}

/** gRPC's codes; of two kinds with one code the one that a server means. */
function kindOfCode(code: number): ErrorKind {
  if (code === 9) return "failedPrecondition";
  const found = Object.entries(errorKinds).find(([, { grpc }]) => grpc === code)?.[0];
  return found !== undefined && found in errorKinds ? (found as ErrorKind) : "unknown";
}
