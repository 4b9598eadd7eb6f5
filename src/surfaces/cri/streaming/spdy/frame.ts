import type { SpdyHeaders } from "./header-block.ts";

/**
 * A frame of SPDY/3.1, as Kubernetes' clients use it. `fin`: the sender sends no more on this stream.
 *
 * Source: SPDY/3.1 draft, 2.2 and 2.6.
 */
export type SpdyFrame =
  | { readonly t: "synStream"; readonly streamId: number; readonly fin: boolean; readonly headers: SpdyHeaders }
  | { readonly t: "synReply"; readonly streamId: number; readonly fin: boolean; readonly headers: SpdyHeaders }
  | { readonly t: "headers"; readonly streamId: number; readonly fin: boolean; readonly headers: SpdyHeaders }
  | { readonly t: "rstStream"; readonly streamId: number; readonly status: number }
  | { readonly t: "settings"; readonly settings: readonly SpdySetting[] }
  | { readonly t: "ping"; readonly pingId: number }
  | { readonly t: "goAway"; readonly lastGoodStreamId: number; readonly status: number }
  /** `streamId` 0: of the whole session. */
  | { readonly t: "windowUpdate"; readonly streamId: number; readonly deltaBytes: number }
  /** When read: a piece of a data frame, as it came in; `fin` is on the last piece. */
  | { readonly t: "data"; readonly streamId: number; readonly fin: boolean; readonly bytes: Buffer };

export type SpdySetting = { readonly settingId: number; readonly value: number };

/** Type numbers of control frames. Source: SPDY/3.1 draft, 2.6. */
export const frameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const spdyVersion = 3;

export const finFlag = 0x01;

/** The number of the setting that says how much may be sent on a stream before a WINDOW_UPDATE. */
export const initialWindowSetting = 7;

/** Most bytes that the length field of a frame can say. */
export const maxFrameBytes = 0xffffff;
