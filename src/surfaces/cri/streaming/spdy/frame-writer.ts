import { finFlag, frameType, maxFrameBytes, spdyVersion, type SpdyFrame } from "./frame.ts";
import { encodeHeaders, HeaderDeflater, type SpdyHeaders } from "./header-block.ts";

type ControlFrame = Exclude<SpdyFrame, { t: "data" }>;

/** Encodes one session's frames; frames must go out in the order they were encoded, for the headers' zlib stream. */
export class SpdyFrameWriter {
  readonly #deflater = new HeaderDeflater();

  encode(frame: ControlFrame): Buffer {
    switch (frame.t) {
      case "synStream":
        // The associated stream (none), priority and slot (0).
        return control(
          frameType.synStream,
          flags(frame),
          [frame.streamId, 0],
          [Buffer.alloc(2), this.#block(frame.headers)],
        );
      case "synReply":
      case "headers":
        return control(frameType[frame.t], flags(frame), [frame.streamId], [this.#block(frame.headers)]);
      case "rstStream":
        return control(frameType.rstStream, 0, [frame.streamId, frame.status]);
      case "settings": {
        const words = frame.settings.flatMap(({ settingId, value }) => [settingId, value]);
        return control(frameType.settings, 0, [frame.settings.length, ...words]);
      }
      case "ping":
        return control(frameType.ping, 0, [frame.pingId]);
      case "goAway":
        return control(frameType.goAway, 0, [frame.lastGoodStreamId, frame.status]);
      case "windowUpdate":
        return control(frameType.windowUpdate, 0, [frame.streamId, frame.deltaBytes]);
      default:
        return frame satisfies never;
    }
  }

  #block(headers: SpdyHeaders): Buffer {
    return this.#deflater.deflate(encodeHeaders(headers));
  }
}

/** The eight bytes before a data frame's payload. */
export function encodeDataHead(streamId: number, lengthBytes: number, fin: boolean): Buffer {
  if (lengthBytes > maxFrameBytes) throw new Error(`data frame of ${lengthBytes} bytes`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(streamId);
  head.writeUInt32BE((fin ? finFlag : 0) * 2 ** 24 + lengthBytes, 4);
  return head;
}

function flags(frame: { fin: boolean }): number {
  return frame.fin ? finFlag : 0;
}

function control(type: number, flagByte: number, words: number[], rest: Buffer[] = []): Buffer {
  const head = Buffer.alloc(8 + words.length * 4);
  const length = words.length * 4 + rest.reduce((sum, part) => sum + part.length, 0);
  head.writeUInt16BE(0x8000 | spdyVersion);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(flagByte * 2 ** 24 + length, 4);
  for (const [index, word] of words.entries()) head.writeUInt32BE(word, 8 + index * 4);
  return Buffer.concat([head, ...rest]);
}
