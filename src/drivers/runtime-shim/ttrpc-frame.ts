/**
 * One message of ttrpc: ten bytes of header, all big-endian (length of the data, stream id, type, flags), then the data.
 *
 * Source: containerd/ttrpc PROTOCOL.md.
 */
export type TtrpcFrame = {
  /** Odd for what a client began. */
  readonly streamId: number;
  readonly type: number;
  readonly data: Uint8Array;
};

export const requestType = 1;
export const responseType = 2;
/** Longest data that either side accepts. */
export const maxFrameBytes = 4 * 1024 * 1024;

const headerBytes = 10;

export function formatFrame({ streamId, type, data }: TtrpcFrame): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(data.length, 0);
  header.writeUInt32BE(streamId, 4);
  header.writeUInt8(type, 8);
  return Buffer.concat([header, data]);
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Frames that are whole with `chunk`. @throws RangeError for one that is too long */
  push(chunk: Uint8Array): TtrpcFrame[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: TtrpcFrame[] = [];
    while (this.#rest.length >= headerBytes) {
      const length = this.#rest.readUInt32BE(0);
      if (length > maxFrameBytes) throw new RangeError(`ttrpc: message of ${length} bytes`);
      if (this.#rest.length < headerBytes + length) break;
      const data = this.#rest.subarray(headerBytes, headerBytes + length);
      frames.push({ streamId: this.#rest.readUInt32BE(4), type: this.#rest.readUInt8(8), data });
      this.#rest = this.#rest.subarray(headerBytes + length);
    }
    return frames;
  }
}
