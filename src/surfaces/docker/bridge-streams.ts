import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { TaskStreams } from "#core/tasks/runtime.ts";
import { DetachScanner } from "./detach-keys.ts";
import { noticeGone } from "./notice-gone.ts";
import type { RawConnection } from "./raw-connection.ts";
import { frameHeader, type StreamKind } from "./stdcopy.ts";

export type BridgeOptions = {
  /** Frames around what is said; without them both streams run into one. */
  readonly multiplexed: boolean;
  /** Keys that end the connection and not the process; undefined: none. */
  readonly detachKeys: Buffer | undefined;
  /** Waited for when all was said, before the connection ends: what the client asks next must know of it. */
  readonly exited?: Promise<unknown>;
};

/** How a connection ended: the process did, the person typed the keys, or the client went. */
export type BridgeEnd = "ended" | "detached" | "gone";

/**
 * Carries bytes between a client and a process until one of them ends; neither is read faster than the other takes.
 *
 * The client's end of input is the process's. A client that goes away detaches: the process runs on. The connection is
 * closed here, the streams are the caller's to dispose.
 */
export async function bridgeStreams(
  connection: RawConnection,
  streams: TaskStreams,
  options: BridgeOptions,
): Promise<BridgeEnd> {
  const { promise: left, resolve: leave } = Promise.withResolvers<BridgeEnd>();
  using _watch = noticeGone(connection.socket);
  const onClose = () => leave("gone");
  connection.socket.once("close", onClose);
  const input = copyInput(connection, streams.stdin, options.detachKeys, leave);
  const said = copyOutputs(connection, streams, options.multiplexed).then(async () => await options.exited);
  const output = said.then(
    (): BridgeEnd => "ended",
    (): BridgeEnd => "gone",
  );
  try {
    return await Promise.race([output, left]);
  } finally {
    connection.socket.off("close", onClose);
    input[Symbol.dispose]();
    connection.close();
  }
}

async function copyOutputs(connection: RawConnection, streams: TaskStreams, multiplexed: boolean): Promise<void> {
  await Promise.all([
    copyOutput(connection, streams.stdout, multiplexed ? "stdout" : undefined),
    copyOutput(connection, streams.stderr, multiplexed ? "stderr" : undefined),
  ]);
}

async function copyOutput(connection: RawConnection, from: Readable, kind: StreamKind | undefined): Promise<void> {
  for await (const chunk of from) {
    const bytes = chunk as Uint8Array;
    await (kind === undefined ? connection.write(bytes) : connection.write(frameHeader(kind, bytes.length), bytes));
  }
}

/** Also without stdin the socket is read: only so its end is seen. */
function copyInput(
  { socket }: RawConnection,
  stdin: Writable | undefined,
  detachKeys: Buffer | undefined,
  leave: (end: BridgeEnd) => void,
): Disposable {
  const scanner = detachKeys === undefined ? undefined : new DetachScanner(detachKeys);
  const stop = new AbortController();
  const onData = (chunk: Buffer) => {
    if (stdin === undefined || !stdin.writable) return;
    const { pass, detached } = scanner === undefined ? { pass: chunk, detached: false } : scanner.scan(chunk);
    const goesOn = pass.length === 0 || stdin.write(pass);
    if (detached) leave("detached");
    else if (!goesOn) holdBack(socket, stdin, stop.signal);
  };
  const onEnd = () => stdin?.end();
  // The process may close its end while the client still types.
  const onError = () => {};
  stdin?.on("error", onError);
  socket.on("data", onData);
  socket.once("end", onEnd);
  socket.resume();
  return {
    [Symbol.dispose]() {
      stop.abort();
      socket.off("data", onData);
      socket.off("end", onEnd);
      // `onError` stays: a write may still fail after this, and nobody else listens.
    },
  };
}

function holdBack(socket: RawConnection["socket"], stdin: Writable, signal: AbortSignal): void {
  socket.pause();
  const goOn = () => void socket.resume();
  once(stdin, "drain", { signal }).then(goOn, goOn);
}
