import type { Duplex, Writable } from "node:stream";
import { messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { StreamingRuntime } from "./streaming-runtime.ts";

export type ForwardedPort = {
  readonly podSandboxId: string;
  readonly port: number;
  /** The client's connection; ended by its owner. */
  readonly data: Duplex;
  /** Where a failure is told, as text. Nothing written means success. */
  readonly error: Writable;
};

/**
 * Forwards one connection to its end. One that does not come about is told on `error`; answers false then.
 *
 * A connection that stood and broke, by whichever side, is told by the reset of `data` alone: at a text on `error`
 * kubectl gives up all that it forwards. `ended` aborts when the client is gone.
 */
export async function forwardPort(
  call: Call,
  runtime: StreamingRuntime,
  { podSandboxId, port, data, error }: ForwardedPort,
  ended: AbortSignal,
): Promise<boolean> {
  const closed = new AbortController();
  data.once("close", () => closed.abort());
  const own = { ...call, signal: AbortSignal.any([call.signal, ended, closed.signal]) };
  try {
    await runtime.portForward(own, { podSandboxId, port }, data);
    return true;
  } catch (failure) {
    if (own.signal.aborted || data.destroyed) return true;
    call.log.debug({ sandboxId: podSandboxId, port, err: messageOf(failure) }, "portforward: failed");
    error.write(`error forwarding port ${port} to pod ${podSandboxId}: ${messageOf(failure)}`);
    return false;
  }
}

/** A port number from 1 to 65535 in decimal; undefined for anything else. */
export function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 0xffff ? port : undefined;
}
