import { inflateRawSync, constants } from "node:zlib";
import { headerDictionary, headerDictionaryId } from "./header-dictionary.ts";
import { SpdyError } from "./spdy-error.ts";

/** Names in lower case; several values of one name are joined by NUL. */
export type SpdyHeaders = ReadonlyMap<string, string>;

/** Most bytes that a block may hold once inflated. */
const maxBlockBytes = 64 * 1024;

/** How far back zlib looks. */
const historyBytes = 32 * 1024;

const largestStoredBlock = 0xffff;

/** @throws SpdyError when the block is cut short or names a header twice */
export function decodeHeaders(block: Buffer): SpdyHeaders {
  const headers = new Map<string, string>();
  let at = 0;
  const take = (length: number) => {
    if (at + length > block.length) throw new SpdyError("header block cut short");
    at += length;
    return block.subarray(at - length, at);
  };
  const takeText = () => take(take(4).readUInt32BE()).toString("utf8");
  for (let left = take(4).readUInt32BE(); left > 0; left--) {
    const name = takeText().toLowerCase();
    if (name === "" || headers.has(name)) throw new SpdyError(`header ${JSON.stringify(name)} empty or given twice`);
    headers.set(name, takeText());
  }
  return headers;
}

export function encodeHeaders(headers: SpdyHeaders): Buffer {
  const parts = [uint32(headers.size)];
  for (const [name, value] of headers) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text, "utf8");
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/**
 * Inflates one session's header blocks, which are together one zlib stream, flushed after each block.
 *
 * A flush ends on a byte, so each block is a raw deflate stream of its own whose dictionary is what came before: no
 * zlib handle lives between blocks, and a block's size is bounded before it is inflated.
 */
export class HeaderInflater {
  #history: Buffer | undefined;

  /** @throws SpdyError when `block` is no zlib data, needs another dictionary or holds more than 64 KiB */
  inflate(block: Buffer): Buffer {
    const body = this.#history === undefined ? skipZlibHeader(block) : block;
    const dictionary = this.#history ?? headerDictionary;
    let text: Buffer;
    try {
      text = inflateRawSync(body, {
        dictionary,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: maxBlockBytes,
      });
    } catch {
      throw new SpdyError("header block is not zlib data or too large");
    }
    this.#history = Buffer.concat([dictionary, text]).subarray(-historyBytes);
    return text;
  }
}

/**
 * Writes one session's header blocks as a zlib stream of stored blocks, each flushed: Go's inflater hands out nothing
 * before it sees a flush.
 *
 * We send next to no headers (a reply has none), so the 300 KiB that a compressor holds would save nothing.
 */
export class HeaderDeflater {
  #begun = false;

  deflate(text: Buffer): Buffer {
    const parts: Buffer[] = [];
    if (!this.#begun) parts.push(zlibHeader());
    this.#begun = true;
    for (let at = 0; at < text.length; at += largestStoredBlock) {
      const piece = text.subarray(at, at + largestStoredBlock);
      parts.push(storedBlockHead(piece.length), piece);
    }
    parts.push(storedBlockHead(0));
    return Buffer.concat(parts);
  }
}

/** RFC 1951, 3.2.4: not the last block, stored; the length and its complement. An empty one is what a flush writes. */
function storedBlockHead(length: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(length, 1);
  head.writeUInt16LE(length ^ 0xffff, 3);
  return head;
}

/** RFC 1950: method and window, flags with the preset dictionary's bit, the dictionary's name. */
function skipZlibHeader(block: Buffer): Buffer {
  if (block.length < 2 || (block.readUInt8(0) & 0x0f) !== 8 || block.readUInt16BE(0) % 31 !== 0) {
    throw new SpdyError("header block is not zlib data");
  }
  if ((block.readUInt8(1) & 0x20) === 0) return block.subarray(2);
  if (block.length < 6 || block.readUInt32BE(2) !== headerDictionaryId) {
    throw new SpdyError("header block needs another dictionary");
  }
  return block.subarray(6);
}

function zlibHeader(): Buffer {
  const header = Buffer.from([0x78, 0x20, 0, 0, 0, 0]);
  header.writeUInt32BE(headerDictionaryId, 2);
  return header;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
