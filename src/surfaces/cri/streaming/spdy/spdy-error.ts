/** Reasons of a RST_STREAM. Source: SPDY/3 draft, 2.6.3. */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  unsupportedVersion: 4,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamInUse: 8,
  streamAlreadyClosed: 9,
  frameTooLarge: 11,
} as const;

/** Reasons of a GOAWAY. Source: SPDY/3 draft, 2.6.6. */
export const goAwayStatus = { ok: 0, protocolError: 1, internalError: 2 } as const;

/** The peer broke the protocol in a way that ends the session: what it says next cannot be understood. */
export class SpdyError extends Error {
  constructor(message: string) {
    super(`spdy: ${message}`);
    this.name = "SpdyError";
  }
}
