import { constants, createZstdCompress } from "node:zlib";

/** What a frame holds before it is packed; the last one of a stream holds the rest. */
export const frameBytes = 128 * 1024;

/**
 * One of zstd's fast levels: a quarter less time than level 1 for a sixth more bytes, which a node keeps only until its
 * images are replaced. A frame of bytes that cannot be packed is a little longer than they are.
 */
const options = {
  params: { [constants.ZSTD_c_compressionLevel]: -2 },
  chunkSize: frameBytes + 4096,
  highWaterMark: 4 * frameBytes,
};
const pieceBytes = 512 * 1024;

/** Frames at work at a time: a busy machine takes its time to wake a thread. */
const atOnce = 3;

/**
 * Packs a stream as zstd, quickly: one frame after the other, each packed by itself, so that several are packed at a time,
 * and what a stream will take can be told from some of its frames. Readers take frames in a row as one stream.
 *
 * Source: RFC 8878, section 3, "Zstandard Frames".
 */
export async function* zstdFrames(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  using stack = new DisposableStack();
  const idle = Array.from({ length: atOnce }, () => stack.use(new FramePacker()));
  const atWork: { readonly packer: FramePacker; readonly packed: Promise<Buffer[]> }[] = [];
  let piece: Buffer[] = [];
  const finishOne = async () => {
    const first = atWork.shift();
    if (first === undefined) return;
    piece.push(...(await first.packed));
    idle.push(first.packer);
  };
  for await (const frame of cut(chunks)) {
    if (idle.length === 0) await finishOne();
    const packer = idle.pop();
    if (packer === undefined) throw new Error("zstd: as many frames are at work as there are compressors");
    atWork.push({ packer, packed: packer.pack(frame) });
    if (lengthOf(piece) < pieceBytes) continue;
    yield Buffer.concat(piece);
    piece = [];
  }
  while (atWork.length > 0) await finishOne();
  if (piece.length > 0) yield Buffer.concat(piece);
}

/** One compressor for many frames: a new one for each costs more in collected memory than the packing itself. */
class FramePacker implements Disposable {
  readonly #compressor = createZstdCompress(options);
  readonly #failed = Promise.withResolvers<never>();
  readonly #packed: Buffer[] = [];

  constructor() {
    this.#failed.promise.catch(() => {});
    this.#compressor.once("error", this.#failed.reject);
    this.#compressor.on("data", (bytes: Buffer) => this.#packed.push(bytes));
  }

  /** One at a time. Source: zstd.h, `ZSTD_e_end`. */
  pack(frame: Uint8Array): Promise<Buffer[]> {
    const packed = this.#pack(frame);
    // Its failure is told when its turn comes.
    packed.catch(() => {});
    return packed;
  }

  async #pack(frame: Uint8Array): Promise<Buffer[]> {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#compressor.write(frame);
    this.#compressor.flush(constants.ZSTD_e_end, resolve);
    await Promise.race([done, this.#failed.promise]);
    if (this.#compressor.readableLength > 0) throw new Error("zstd: a frame was not given out whole");
    return this.#packed.splice(0);
  }

  [Symbol.dispose](): void {
    this.#compressor.destroy();
  }
}

function lengthOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
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
