import { readSync } from "node:fs";
import { pipeline, Readable, type Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import type { Compression } from "#core/content/descriptor.ts";

const inputBytes = 256 * 1024;
/** Large, so that zlib's threads work long on their own; one such buffer waits while the one before is written. */
const outputBytes = 1024 * 1024;
/** As zstd's own command takes without being asked; a longer window would be memory at the archive's will. */
const zstdMaxWindowLog = 27;

/** Bytes of the open file `fd` after decompression; the descriptor stays open. @throws dataLoss */
export async function* uncompressed(fd: number, compression: Compression): AsyncGenerator<Buffer> {
  if (compression === "none") yield* blocksOf(fd, outputBytes);
  else yield* decompress(Readable.from(blocksOf(fd, inputBytes), { highWaterMark: 2 }), compression);
}

/** @throws dataLoss when the data is not what `compression` says, or ends early */
export async function* decompress(source: Readable, compression: Compression): AsyncGenerator<Buffer> {
  const decoder = decoderFor(compression);
  try {
    yield* decoder === undefined ? source : pipeline(source, decoder, () => {});
  } catch (error) {
    const code = errnoOf(error) ?? "";
    if (!/^(?:Z_|ZSTD_|ERR_)/.test(code)) throw error;
    throw new EngineError("dataLoss", `layer: ${compression} data is broken: ${messageOf(error)}`, { cause: error });
  } finally {
    decoder?.destroy();
    source.destroy();
  }
}

/** What the first bytes say. Sources: RFC 1952 2.3.1, RFC 8878 3.1.1. */
export function sniff(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? "zstd" : "none";
}

/** Compression of the open file, which a wrong media type may hide. */
export function sniffFile(fd: number): Compression {
  const head = Buffer.alloc(4);
  readSync(fd, head, 0, head.length, 0);
  return sniff(head);
}

/** The worker has nothing else to do: reading synchronously saves a trip through the event loop per block. */
function* blocksOf(fd: number, blockBytes: number): Generator<Buffer> {
  let position = 0;
  for (;;) {
    const block = Buffer.allocUnsafeSlow(blockBytes);
    const length = readSync(fd, block, 0, blockBytes, position);
    if (length === 0) return;
    position += length;
    yield block.subarray(0, length);
  }
}

function decoderFor(compression: Compression): Transform | undefined {
  const sizes = { chunkSize: outputBytes, readableHighWaterMark: outputBytes, writableHighWaterMark: inputBytes };
  switch (compression) {
    case "none":
      return undefined;
    case "gzip":
      return createGunzip(sizes);
    case "zstd":
      return createZstdDecompress({ ...sizes, params: { [constants.ZSTD_d_windowLogMax]: zstdMaxWindowLog } });
    default:
      return compression satisfies never;
  }
}
