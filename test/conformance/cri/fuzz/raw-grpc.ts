import { connect as connectHttp2, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";

/** What a server answered; `grpc` is undefined where it did not speak gRPC. */
export type RawAnswer = {
  readonly http: number;
  readonly grpc: number | undefined;
  readonly message: string;
  /** Of the first message, without its frame. */
  readonly body: Uint8Array;
};

export type RawRequest = {
  readonly path: string;
  /** With its frame. */
  readonly body: Uint8Array;
  readonly headers?: OutgoingHttpHeaders;
  /** An endless stream is left after so long. */
  readonly leaveAfterMs?: number;
};

const hangMs = 30_000;

/** Sends what no honest client sends. */
export class RawGrpc implements Disposable {
  readonly #socketPath: string;
  #session: ClientHttp2Session | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** @throws Error when no answer comes in half a minute, or the connection breaks */
  async call({ path, body, headers = {}, leaveAfterMs }: RawRequest): Promise<RawAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    const all = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers };
    const stream = this.#connected().request(all, { endStream: false });
    const chunks: Buffer[] = [];
    const found = new Map<string, string>();
    const note = (part: object) => {
      for (const [key, value] of Object.entries(part)) found.set(key, String(value));
    };
    const answer = () => {
      const grpc = found.get("grpc-status");
      resolve({
        http: Number(found.get(":status") ?? 0),
        grpc: grpc === undefined ? undefined : Number(grpc),
        message: decodeURIComponent(found.get("grpc-message") ?? ""),
        body: Buffer.concat(chunks).subarray(5),
      });
    };
    const hang = setTimeout(() => {
      stream.close(constants.NGHTTP2_CANCEL);
      reject(new Error(`${path}: no answer in ${hangMs / 1000} s`));
    }, hangMs);
    const leave = leaveAfterMs === undefined ? undefined : setTimeout(() => stream.close(), leaveAfterMs);
    stream.on("response", note).on("trailers", note);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (error) => (found.has("grpc-status") ? answer() : reject(error)));
    // A server that has heard enough answers before it has read everything: nobody wants the rest.
    stream.on("end", () => {
      answer();
      stream.destroy();
    });
    stream.on("close", () => {
      clearTimeout(hang);
      clearTimeout(leave);
      answer();
    });
    stream.end(body);
    return await promise;
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }

  #connected(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      const createConnection = () => connect(this.#socketPath);
      this.#session = connectHttp2("http://localhost", { createConnection, maxSessionMemory: 512 });
      this.#session.on("error", () => {});
    }
    return this.#session;
  }
}

/** One gRPC message in its frame; `length` may lie. Source: grpc.io, "gRPC over HTTP2", Length-Prefixed-Message. */
export function frame(message: Uint8Array, { length = message.length, flags = 0 } = {}): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flags, 0);
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, message]);
}
