import { finFlag, frameType, spdyVersion, type SpdyFrame } from "./frame.ts";
import { decodeHeaders, HeaderInflater, type SpdyHeaders } from "./header-block.ts";
import { SpdyError } from "./spdy-error.ts";

/** Most bytes of a control frame; none of Kubernetes' is longer than a few hundred. */
const maxControlBytes = 16 * 1024;

const headBytes = 8;

const lowest31 = 0x7fffffff;

/**
 * Decodes one session's frames from bytes in any pieces.
 *
 * Data is handed on as it comes, so a data frame may be of any size; a control frame is kept until it is whole and
 * bounded. Frames of unknown type are skipped, as the protocol says.
 */
export class SpdyFrameReader {
  readonly #inflater = new HeaderInflater();
  /** Of a head or a control frame that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** The data frame whose payload comes in. */
  #data: { readonly streamId: number; readonly fin: boolean; leftBytes: number } | undefined;

  /**
   * The frames, and pieces of data frames, that `chunk` completes. Iterate to the end before the next chunk.
   *
   * @throws SpdyError when what comes is not SPDY/3, or a control frame is malformed or too large
   */
  *read(chunk: Buffer): Generator<SpdyFrame> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    for (;;) {
      if (this.#data !== undefined) {
        const piece = bytes.subarray(0, this.#data.leftBytes);
        bytes = bytes.subarray(piece.length);
        if (piece.length === 0 && this.#data.leftBytes > 0) return;
        yield this.#takeData(this.#data, piece);
        continue;
      }
      const length = wholeLength(bytes);
      if (length === undefined || (isControl(bytes) && bytes.length < length)) {
        this.#rest = Buffer.from(bytes);
        return;
      }
      if (isControl(bytes)) {
        const frame = this.#decodeControl(bytes.subarray(0, length));
        bytes = bytes.subarray(length);
        if (frame !== undefined) yield frame;
      } else {
        const streamId = bytes.readUInt32BE();
        if (streamId === 0) throw new SpdyError("data on stream 0");
        this.#data = { streamId, fin: (bytes.readUInt8(4) & finFlag) !== 0, leftBytes: length - headBytes };
        bytes = bytes.subarray(headBytes);
      }
    }
  }

  #takeData(frame: { streamId: number; fin: boolean; leftBytes: number }, piece: Buffer): SpdyFrame {
    frame.leftBytes -= piece.length;
    const last = frame.leftBytes === 0;
    if (last) this.#data = undefined;
    return { t: "data", streamId: frame.streamId, fin: last && frame.fin, bytes: piece };
  }

  /** `bytes` is one control frame with its head; undefined for a type that we do not know. */
  #decodeControl(bytes: Buffer): SpdyFrame | undefined {
    const body = bytes.subarray(headBytes);
    const fin = (bytes.readUInt8(4) & finFlag) !== 0;
    switch (bytes.readUInt16BE(2)) {
      case frameType.synStream:
        return { t: "synStream", streamId: streamIdOf(body), fin, headers: this.#headers(body, 10) };
      case frameType.synReply:
        return { t: "synReply", streamId: streamIdOf(body), fin, headers: this.#headers(body, 4) };
      case frameType.headers:
        return { t: "headers", streamId: streamIdOf(body), fin, headers: this.#headers(body, 4) };
      case frameType.rstStream:
        return { t: "rstStream", streamId: streamIdOf(body), status: word(body, 1) };
      case frameType.settings:
        return decodeSettings(body);
      case frameType.ping:
        return { t: "ping", pingId: word(body, 0) };
      case frameType.goAway:
        return { t: "goAway", lastGoodStreamId: word(body, 0) & lowest31, status: body.length < 8 ? 0 : word(body, 1) };
      case frameType.windowUpdate:
        return { t: "windowUpdate", streamId: word(body, 0) & lowest31, deltaBytes: word(body, 1) & lowest31 };
      default:
        return undefined;
    }
  }

  #headers(body: Buffer, offset: number): SpdyHeaders {
    if (body.length < offset) throw new SpdyError("control frame cut short");
    return decodeHeaders(this.#inflater.inflate(body.subarray(offset)));
  }
}

/** Length of the frame that `bytes` begins with, its head included; undefined while the head is not whole. */
function wholeLength(bytes: Buffer): number | undefined {
  if (bytes.length < headBytes) return undefined;
  const length = headBytes + bytes.readUIntBE(5, 3);
  if (!isControl(bytes)) return length;
  const version = bytes.readUInt16BE(0) & 0x7fff;
  if (version !== spdyVersion) throw new SpdyError(`version ${version}`);
  if (length > maxControlBytes) throw new SpdyError(`control frame of ${length} bytes`);
  return length;
}

function isControl(bytes: Buffer): boolean {
  return (bytes.readUInt8(0) & 0x80) !== 0;
}

function streamIdOf(body: Buffer): number {
  const streamId = word(body, 0) & lowest31;
  if (streamId === 0) throw new SpdyError("control frame of stream 0");
  return streamId;
}

function decodeSettings(body: Buffer): SpdyFrame {
  const count = word(body, 0);
  if (body.length < 4 + count * 8) throw new SpdyError("control frame cut short");
  const settings = Array.from({ length: count }, (_, index) => ({
    settingId: word(body, 1 + index * 2) & 0xffffff,
    value: word(body, 2 + index * 2),
  }));
  return { t: "settings", settings };
}

function word(body: Buffer, index: number): number {
  if (body.length < index * 4 + 4) throw new SpdyError("control frame cut short");
  return body.readUInt32BE(index * 4);
}
