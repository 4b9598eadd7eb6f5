import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { EngineError, messageOf } from "./errors.ts";

const formats = {
  gzip: { magic: [0x1f, 0x8b], open: (): Transform => createGunzip() },
  zstd: { magic: [0x28, 0xb5, 0x2f, 0xfd], open: (): Transform => createZstdDecompress() },
} as const;

const unsupported = { xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], bzip2: [0x42, 0x5a, 0x68] };

/** How bytes are packed, by how they begin. */
export function sniffCompression(head: Uint8Array): "none" | "gzip" | "zstd" {
  for (const [name, { magic }] of Object.entries(formats)) {
    if (magic.every((byte, at) => head[at] === byte)) return name === "gzip" ? "gzip" : "zstd";
  }
  return "none";
}

/**
 * `source` unpacked when it is gzip or zstd, else as it is.
 *
 * @throws dataLoss when it is truncated or broken @throws resourceExhausted past `maxBytes`
 * @throws invalidArgument when it is packed by what we do not have
 */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, rest } = await peek(source, 6);
  for (const [name, magic] of Object.entries(unsupported)) {
    if (!magic.every((byte, at) => head[at] === byte)) continue;
    throw new EngineError("invalidArgument", `archive: ${name} compression is not supported; unpack it first`);
  }
  const compression = sniffCompression(head);
  const bytes = compression === "none" ? rest : through(rest, formats[compression].open());
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > maxBytes) throw new EngineError("resourceExhausted", `archive: more than ${maxBytes} bytes unpacked`);
    yield chunk;
  }
}

async function* through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  // The error of either side ends both; it is seen where the output is read.
  const output = pipeline(Readable.from(source, { objectMode: false }), transform, () => {});
  try {
    yield* output as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof EngineError || (error instanceof Error && error.name === "AbortError")) throw error;
    throw new EngineError("dataLoss", `archive: ${messageOf(error)}`, { cause: error });
  }
}

/** The first bytes of a stream, and the stream with them. */
async function peek(source: AsyncIterable<Uint8Array>, length: number) {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let ended = false;
  while (!ended && first.reduce((sum, chunk) => sum + chunk.length, 0) < length) {
    const next = await iterator.next();
    if (next.done === true) ended = true;
    else first.push(next.value);
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first.map((chunk) => Buffer.from(chunk))).subarray(0, length), rest: rest() };
}
