import { EngineError } from "#base/errors.ts";
import { parsePaxNumber, parsePaxRecords, parseSparseMap, type PaxRecords } from "./pax-records.ts";
import { entryOf, type Extensions } from "./tar-entry-of.ts";
import { printable, type SparseChunk, type TarEntry, type TarSink } from "./tar-entry.ts";
import {
  blockBytes,
  isZeroBlock,
  parseGnuSparse,
  parseGnuSparseExtension,
  parseHeader,
  type TarHeader,
} from "./tar-header.ts";

/** Extended headers and sparse maps are held in memory; what is longer is an attack. */
const maxMetaBytes = 1024 * 1024;
const headerOnly = new Set(["1", "2", "3", "4", "5", "6"]);

type State = "header" | "meta" | "sparseExtension" | "sparseMap" | "data" | "padding" | "end";

/**
 * Takes an archive apart as it comes: ustar, PAX, GNU long names, GNU sparse files (old, 0.0, 0.1, 1.0).
 *
 * Values of global PAX headers are read and left out, as every other container engine does, so that one layer is the
 * same tree everywhere.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #maxEntries: number;
  #state: State = "header";
  /** Bytes of a block whose rest has not come yet. */
  #partial = Buffer.allocUnsafe(blockBytes);
  #partialBytes = 0;
  #header: TarHeader | undefined;
  #extensions: Extensions = {};
  #meta: Buffer[] = [];
  #entry: TarEntry | undefined;
  #sparse: SparseChunk[] = [];
  #sparseRealSize = 0;
  #sparseText = "";
  #chunkIndex = 0;
  #chunkDone = 0;
  /** Bytes of the member's body, and of what fills its last block, that have not come yet. */
  #remaining = 0;
  #padding = 0;
  #zeroBlocks = 0;
  entries = 0;

  constructor(sink: TarSink, maxEntries: number) {
    this.#sink = sink;
    this.#maxEntries = maxEntries;
  }

  /** @throws dataLoss when it is no archive; whatever the sink throws */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** Says that nothing more comes. @throws dataLoss when something is missing */
  finish(): void {
    const done = this.#state === "end" || (this.#state === "header" && this.#partialBytes === 0);
    if (!done)
      throw new EngineError("dataLoss", `tar: truncated${this.#entry ? ` in ${printable(this.#entry.name)}` : ""}`);
    if (this.#hasExtensions()) throw new EngineError("dataLoss", "tar: truncated after an extended header");
  }

  /** Takes what it can from `at` on; answers where it stopped. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case "data":
        return this.#takeData(chunk, at);
      case "meta":
        return this.#takeMeta(chunk, at);
      case "padding":
        return this.#takePadding(chunk, at);
      case "end":
        return chunk.length;
      case "header":
      case "sparseExtension":
      case "sparseMap":
        return this.#takeBlock(chunk, at);
      default:
        return this.#state satisfies never;
    }
  }

  #takeBlock(chunk: Buffer, at: number): number {
    if (this.#partialBytes === 0 && chunk.length - at >= blockBytes) {
      this.#block(chunk, at);
      return at + blockBytes;
    }
    const taken = Math.min(blockBytes - this.#partialBytes, chunk.length - at);
    chunk.copy(this.#partial, this.#partialBytes, at, at + taken);
    this.#partialBytes += taken;
    if (this.#partialBytes === blockBytes) {
      this.#partialBytes = 0;
      this.#block(this.#partial, 0);
    }
    return at + taken;
  }

  #block(block: Buffer, at: number): void {
    if (this.#state === "sparseExtension") this.#sparseExtension(block, at);
    else if (this.#state === "sparseMap") this.#sparseMapBlock(block, at);
    else if (isZeroBlock(block, at)) this.#zeroBlock();
    else if (this.#zeroBlocks > 0) throw new EngineError("dataLoss", "tar: data after an end block");
    else this.#headerBlock(block, at);
  }

  #zeroBlock(): void {
    this.#zeroBlocks++;
    if (this.#zeroBlocks < 2) return;
    if (this.#hasExtensions()) throw new EngineError("dataLoss", "tar: end after an extended header");
    this.#state = "end";
  }

  #headerBlock(block: Buffer, at: number): void {
    const header = parseHeader(block, at);
    if (header.sizeBytes < 0) throw new EngineError("dataLoss", `tar: ${printable(header.name)}: negative size`);
    this.#header = header;
    if (++this.entries > this.#maxEntries) {
      throw new EngineError("resourceExhausted", `layer: more than ${this.#maxEntries} entries`);
    }
    if ("xgXLK".includes(header.typeflag)) this.#beginMeta(header);
    else if (header.typeflag === "S") this.#beginOldSparse(header, block, at);
    else this.#beginMember(header);
  }

  #beginMeta(header: TarHeader): void {
    if (header.sizeBytes > maxMetaBytes) {
      throw new EngineError("dataLoss", `tar: extended header of ${header.sizeBytes} bytes`);
    }
    this.#meta = [];
    this.#setBody(header.sizeBytes);
    this.#state = "meta";
    if (this.#remaining === 0) this.#endMeta();
  }

  #takeMeta(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#remaining, chunk.length - at);
    this.#meta.push(Buffer.from(chunk.subarray(at, at + taken)));
    this.#remaining -= taken;
    if (this.#remaining === 0) this.#endMeta();
    return at + taken;
  }

  #endMeta(): void {
    const data = Buffer.concat(this.#meta);
    this.#meta = [];
    const typeflag = this.#header?.typeflag;
    if (typeflag === "L") this.#extensions.longName = untilNul(data);
    else if (typeflag === "K") this.#extensions.longLink = untilNul(data);
    else if (typeflag === "g") parsePaxRecords(data);
    else this.#extensions.pax = parsePaxRecords(data);
    this.#endBody();
  }

  #beginOldSparse(header: TarHeader, block: Buffer, at: number): void {
    const { chunks, realSize, more } = parseGnuSparse(block, at);
    this.#sparse = chunks;
    this.#sparseRealSize = realSize;
    if (more) this.#state = "sparseExtension";
    else this.#begin(header, header.sizeBytes, { chunks, realSize });
  }

  #sparseExtension(block: Buffer, at: number): void {
    const { chunks, more } = parseGnuSparseExtension(block, at);
    this.#sparse.push(...chunks);
    if (this.#sparse.length * 24 > maxMetaBytes) throw new EngineError("dataLoss", "tar: sparse map too long");
    const header = this.#header;
    if (more || header === undefined) return;
    this.#begin(header, header.sizeBytes, { chunks: this.#sparse, realSize: this.#sparseRealSize });
  }

  #beginMember(header: TarHeader): void {
    const { pax } = this.#extensions;
    const size = pax?.values.get("size");
    const bodyBytes = headerOnly.has(header.typeflag) ? 0 : size ? parsePaxNumber(size) : header.sizeBytes;
    if (pax?.values.get("GNU.sparse.major") === "1") {
      this.#setBody(bodyBytes);
      this.#sparseText = "";
      this.#state = "sparseMap";
      return;
    }
    const chunks = pax?.sparseMap;
    this.#begin(header, bodyBytes, chunks === undefined ? undefined : { chunks, realSize: realSizeOf(pax) });
  }

  /** Sparse 1.0 has its map, decimal lines, in front of the data, filled up to a block. */
  #sparseMapBlock(block: Buffer, at: number): void {
    if (this.#remaining < blockBytes) throw new EngineError("dataLoss", "tar: sparse map without end");
    this.#remaining -= blockBytes;
    this.#sparseText += block.toString("latin1", at, at + blockBytes);
    if (this.#sparseText.length > maxMetaBytes) throw new EngineError("dataLoss", "tar: sparse map too long");
    const lines = this.#sparseText.split("\n");
    const count = lines.length < 2 ? undefined : parsePaxNumber(lines[0] ?? "");
    const header = this.#header;
    if (count === undefined || header === undefined || lines.length - 2 < count * 2) return;
    const chunks = parseSparseMap(lines.slice(1, 1 + count * 2));
    this.#begin(header, this.#remaining, { chunks, realSize: realSizeOf(this.#extensions.pax) });
  }

  #begin(header: TarHeader, bodyBytes: number, sparse?: { chunks: SparseChunk[]; realSize: number }): void {
    this.#setBody(bodyBytes);
    const entry = entryOf(header, this.#extensions, bodyBytes, sparse);
    this.#extensions = {};
    this.#entry = entry;
    this.#sparse = [];
    this.#chunkIndex = 0;
    this.#chunkDone = 0;
    this.#sink.begin(entry);
    this.#state = "data";
    if (this.#remaining === 0) this.#endMember();
  }

  #takeData(chunk: Buffer, at: number): number {
    const entry = this.#entry;
    let taken = Math.min(this.#remaining, chunk.length - at);
    if (entry?.sparse === undefined) {
      this.#sink.data(chunk, at, taken, (entry?.sizeBytes ?? 0) - this.#remaining);
    } else {
      let part = entry.sparse[this.#chunkIndex];
      while (part !== undefined && this.#chunkDone === part.length) {
        part = entry.sparse[++this.#chunkIndex];
        this.#chunkDone = 0;
      }
      taken = Math.min(taken, (part?.length ?? 0) - this.#chunkDone);
      this.#sink.data(chunk, at, taken, (part?.offset ?? 0) + this.#chunkDone);
      this.#chunkDone += taken;
    }
    this.#remaining -= taken;
    if (this.#remaining === 0) this.#endMember();
    return at + taken;
  }

  #endMember(): void {
    this.#sink.end();
    this.#entry = undefined;
    this.#endBody();
  }

  #takePadding(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#padding, chunk.length - at);
    this.#padding -= taken;
    if (this.#padding === 0) this.#state = "header";
    return at + taken;
  }

  #setBody(bodyBytes: number): void {
    this.#remaining = bodyBytes;
    this.#padding = (blockBytes - (bodyBytes % blockBytes)) % blockBytes;
  }

  #endBody(): void {
    this.#state = this.#padding > 0 ? "padding" : "header";
  }

  #hasExtensions(): boolean {
    const { pax, longName, longLink } = this.#extensions;
    return pax !== undefined || longName !== undefined || longLink !== undefined;
  }
}

function realSizeOf(pax: PaxRecords | undefined): number {
  const text = pax?.values.get("GNU.sparse.realsize") ?? pax?.values.get("GNU.sparse.size");
  if (text === undefined) throw new EngineError("dataLoss", "tar: sparse file without its size");
  return parsePaxNumber(text);
}

function untilNul(data: Buffer): string {
  const end = data.indexOf(0);
  return data.toString("latin1", 0, end < 0 ? data.length : end);
}
