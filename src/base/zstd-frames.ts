import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";

/** What a frame holds before it is packed; the last one of a stream holds the rest. */
export const frameBytes = 128 * 1024;

const compress = promisify(zstdCompress);
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Frames at work at a time, on libuv's threads. */
const ahead = 6;
const pieceBytes = 512 * 1024;

/**
 * Packs a stream as zstd, quickly: one frame after the other, each packed by itself. So several are packed at a time, and
 * what a stream will take can be told from some of its frames. Readers take frames in a row as one stream.
 *
 * Source: RFC 8878, section 3, "Zstandard Frames".
 */
export async function* zstdFrames(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  const atWork: Promise<Buffer>[] = [];
  let piece: Buffer[] = [];
  let length = 0;
  async function* packed() {
    for await (const frame of cut(chunks)) {
      const work = packFrame(frame);
      // Its failure is told when its turn comes.
      work.catch(() => {});
      atWork.push(work);
      if (atWork.length >= ahead) yield await atWork.shift();
    }
    for (const work of atWork) yield await work;
  }
  for await (const frame of packed()) {
    if (frame === undefined) continue;
    piece.push(frame);
    length += frame.length;
    if (length < pieceBytes) continue;
    yield Buffer.concat(piece, length);
    piece = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(piece, length);
}

/** One frame of {@link zstdFrames}. */
export async function packFrame(bytes: Uint8Array): Promise<Buffer> {
  return await compress(bytes, options);
}

async function* cut(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + frameBytes <= bytes.length; at += frameBytes) yield bytes.subarray(at, at + frameBytes);
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) yield rest;
}
