import { type Readable, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { CommandStreams } from "./streaming-runtime.ts";

/** How the end of a command is told: as JSON of a `v1.Status`, or as text of an error and nothing otherwise. */
export type StatusFormat = "json" | "text";

/** A client that waits for a command's streams, over whichever protocol. */
export interface CommandConnection {
  readonly streams: CommandStreams;
  readonly error: Writable;
  readonly statusFormat: StatusFormat;
  /** Aborts when the client is gone. */
  readonly ended: AbortSignal;
  /** Closes after all that was written is on its way. */
  close(): Promise<void>;
}

/** Ends `streams` and waits until what was written to them has been sent, or the connection has ended. */
export async function endWritables(streams: readonly (Writable | undefined)[], ended: AbortSignal): Promise<void> {
  const open = streams.filter((stream) => stream !== undefined);
  for (const stream of open) stream.end();
  await Promise.allSettled(open.map(async (stream) => finished(stream, { readable: false, signal: ended })));
}

/** Reads what nobody wants to its end, so that it holds nothing up. */
export function discard(stream: Readable | undefined): void {
  stream?.resume();
}
