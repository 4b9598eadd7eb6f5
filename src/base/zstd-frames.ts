import { constants, createZstdCompress } from "node:zlib";

/** What a frame holds before it is packed; the last one of a stream holds the rest. */
export const frameBytes = 128 * 1024;

/** A frame of bytes that cannot be packed is a little longer than they are. */
const options = {
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  chunkSize: frameBytes + 4096,
  highWaterMark: 4 * frameBytes,
};
const pieceBytes = 512 * 1024;

/**
 * Packs a stream as zstd, quickly: one frame after the other, each packed by itself, so that what a stream will take can be
 * told from some of its frames. Readers take frames in a row as one stream.
 *
 * One compressor does all frames: a new one for each costs more in collected memory than the packing itself.
 * Source: RFC 8878, section 3, "Zstandard Frames"; zstd.h, `ZSTD_e_end`.
 */
export async function* zstdFrames(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  const compressor = createZstdCompress(options);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  compressor.once("error", failed.reject);
  let packed: Buffer[] = [];
  let length = 0;
  compressor.on("data", (bytes: Buffer) => {
    packed.push(bytes);
    length += bytes.length;
  });
  try {
    for await (const frame of cut(chunks)) {
      const { promise: done, resolve } = Promise.withResolvers<void>();
      compressor.write(frame);
      compressor.flush(constants.ZSTD_e_end, resolve);
      await Promise.race([done, failed.promise]);
      if (length < pieceBytes) continue;
      yield Buffer.concat(packed, length);
      packed = [];
      length = 0;
    }
    if (compressor.readableLength > 0) throw new Error("zstd: a frame was not given out whole");
    if (length > 0) yield Buffer.concat(packed, length);
  } finally {
    compressor.destroy();
  }
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
