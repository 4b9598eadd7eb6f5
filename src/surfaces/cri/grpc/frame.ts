import type { Readable } from "node:stream";
import { EngineError } from "#base/errors.ts";

const headerBytes = 5;

/** A message as gRPC sends it: not compressed, its length, its bytes. */
export function toFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, headerBytes);
  return frame;
}

/**
 * Reads the one message of a request to its end.
 *
 * @throws resourceExhausted above `maxBytes` @throws notImplemented when it is compressed, which was not offered
 * @throws invalidArgument when there is none, or more than one
 */
export async function readMessage(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const body = await readBody(stream, maxBytes + headerBytes);
  if (body.length < headerBytes) throw new EngineError("invalidArgument", "request: no message");
  const length = body.readUInt32BE(1);
  if (length > maxBytes) throw tooLarge(maxBytes);
  if (body.readUInt8(0) !== 0) throw new EngineError("notImplemented", "request: compressed, which is not offered");
  if (body.length !== headerBytes + length) throw new EngineError("invalidArgument", "request: not one whole message");
  return body.subarray(headerBytes);
}

async function readBody(stream: Readable, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) {
      stream.pause();
      return reject(tooLarge(maxBytes - headerBytes));
    }
    chunks.push(chunk);
  });
  stream.once("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
  stream.once("close", () => reject(new EngineError("canceled", "request: the client has gone")));
  return await promise;
}

function tooLarge(maxBytes: number): EngineError {
  return new EngineError("resourceExhausted", `request: more than ${maxBytes} bytes`);
}
