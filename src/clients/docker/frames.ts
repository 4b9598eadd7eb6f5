import { EngineError } from "#base/errors.ts";

export type OutputFrame = { readonly stream: "stdout" | "stderr"; readonly bytes: Buffer };

const streams = ["stdin", "stdout", "stderr", "error"] as const;

/**
 * Takes apart the frames that carry stdout and stderr of a container without a terminal: one byte stream number,
 * three zeros, four bytes length, then that many bytes. Source: Docker Engine API, ContainerAttach, "Stream format".
 *
 * A frame is given on in the pieces it arrives in; nothing is held back.
 *
 * @throws internal with the text of a frame of the server's own errors (stream 3)
 */
export async function* outputFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<OutputFrame> {
  let rest: Buffer = Buffer.alloc(0);
  let stream: (typeof streams)[number] = "stdout";
  let left = 0;
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    rest = Buffer.alloc(0);
    while (bytes.length > 0) {
      if (left === 0) {
        if (bytes.length < 8) {
          rest = bytes;
          break;
        }
        stream = streams[bytes.readUInt8(0)] ?? failOnFrame(bytes);
        left = bytes.readUInt32BE(4);
        bytes = bytes.subarray(8);
        continue;
      }
      const part = bytes.subarray(0, left);
      left -= part.length;
      bytes = bytes.subarray(part.length);
      if (stream === "error") throw new EngineError("internal", `server: ${part.toString().trim()}`);
      yield { stream: stream === "stderr" ? "stderr" : "stdout", bytes: part };
    }
  }
}

function failOnFrame(bytes: Buffer): never {
  throw new EngineError("internal", `output: unknown stream ${bytes.readUInt8(0)} in a frame`);
}
