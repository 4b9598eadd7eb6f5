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
 * Forwards one connection to its end; a failure is written to `error`. Answers whether it went well.
 *
 * `ended` aborts when the client is gone. A client that closes `data` itself has had what it wanted: what breaks by
 * that is no failure, and kubectl would give up all its forwarding if it were told one.
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
    if (own.signal.aborted) return true;
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
