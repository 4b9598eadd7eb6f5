import { readSync } from "node:fs";
import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress, constants } from "node:zlib";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import type { Compression } from "#core/content/descriptor.ts";

const inputBytes = 256 * 1024;
/** Large, so that zlib's threads work long on their own; one such buffer waits while the one before is written. */
const outputBytes = 1024 * 1024;
/** As zstd's own command takes without being asked; a longer window would be memory at the archive's will. */
const zstdMaxWindowLog = 27;

/** Bytes of the open file `fd` after decompression; the descriptor stays open. @throws dataLoss */
export async function* uncompressed(fd: number, compression: Compression): AsyncGenerator<Buffer> {
  const decoder = decoderFor(compression);
  if (decoder === undefined) return yield* blocksOf(fd, outputBytes);
  const file = Readable.from(blocksOf(fd, inputBytes), { highWaterMark: 2 });
  try {
    yield* pipeline(file, decoder, () => {});
  } catch (error) {
    const code = errnoOf(error) ?? "";
    if (!/^(?:Z_|ZSTD_|ERR_)/.test(code)) throw error;
    throw new EngineError("dataLoss", `layer: ${compression} data is broken: ${messageOf(error)}`, { cause: error });
  } finally {
    decoder.destroy();
    file.destroy();
  }
}

/** The worker has nothing else to do: reading synchronously saves a trip through the event loop per block. */
function* blocksOf(fd: number, blockBytes: number): Generator<Buffer> {
  for (;;) {
    const block = Buffer.allocUnsafeSlow(blockBytes);
    const length = readSync(fd, block, 0, blockBytes, null);
    if (length === 0) return;
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
