import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** A way to go wrong, for the next `times` requests (default 1) that `match` (`GET /v2/x/blobs/…`) fits. */
export type TestFault = {
  readonly match: RegExp;
  times?: number;
  readonly act: FaultAct;
};

export type FaultAct =
  | {
      readonly t: "status";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** Ends the connection after so many bytes of the body. */
  | { readonly t: "cut"; readonly afterBytes: number }
  /** Never answers. */
  | { readonly t: "hang" }
  /** Changes the first byte of the body. */
  | { readonly t: "corrupt" }
  /** Sends the body in pieces with a pause between. */
  | { readonly t: "slow"; readonly pieceBytes: number; readonly pauseMs: number };

/** Sends a body where one is asked for, as wrong as `act` says. */
export async function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  act: FaultAct | undefined,
): Promise<void> {
  if (request.method === "HEAD") return void response.end();
  if (act?.t === "cut") {
    response.write(bytes.subarray(0, act.afterBytes), () => setTimeout(() => response.socket?.resetAndDestroy(), 20));
    return;
  }
  if (act?.t === "corrupt") {
    const wrong = Buffer.from(bytes);
    wrong[0] = (wrong[0] ?? 0) ^ 0xff;
    return void response.end(wrong);
  }
  if (act?.t === "slow") {
    for (let at = 0; at < bytes.length && !response.destroyed; at += act.pieceBytes) {
      await sleep(act.pauseMs);
      response.write(bytes.subarray(at, at + act.pieceBytes));
    }
    return void response.end();
  }
  response.end(bytes);
}
