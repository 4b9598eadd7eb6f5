import { endWritables, discard, type CommandConnection, type StatusFormat } from "../command-connection.ts";
import type { WantedStreams } from "../streaming-runtime.ts";
import { readTerminalSizes } from "../terminal-sizes.ts";
import { resetStatus } from "./spdy-error.ts";
import { SpdySession, type SpdySessionOptions } from "./spdy-session.ts";
import type { SpdyStream } from "./spdy-stream.ts";

export type SpdyCommandOptions = Omit<SpdySessionOptions, "onStream" | "maxStreams"> & {
  readonly wanted: WantedStreams;
  readonly protocol: { readonly statusFormat: StatusFormat; readonly resize: boolean };
  /** How long the client may take to open its streams. */
  readonly creationTimeoutMs: number;
};

const streamTypes = ["error", "stdin", "stdout", "stderr", "resize"] as const;

type StreamType = (typeof streamTypes)[number];

type OpenStreams = ReadonlyMap<StreamType, SpdyStream>;

/** Undefined when the client went away, or did not open the streams it wanted in time; the transport is closed then. */
export async function openSpdyCommand(options: SpdyCommandOptions): Promise<CommandConnection | undefined> {
  const expected = expectedStreams(options);
  const open = new Map<StreamType, SpdyStream>();
  const { promise: complete, resolve } = Promise.withResolvers<boolean>();
  const session = new SpdySession({
    ...options,
    maxStreams: streamTypes.length,
    onStream(stream) {
      const type = streamTypes.find((type) => type === stream.headers.get("streamtype"));
      if (type === undefined || open.has(type)) return stream.reset(resetStatus.refusedStream);
      open.set(type, stream);
      stream.accept();
      const isRead = expected.includes(type) && (type === "stdin" || type === "resize");
      if (!isRead) discard(stream);
      if (expected.every((type) => open.has(type))) resolve(true);
    },
  });
  const timer = setTimeout(() => resolve(false), options.creationTimeoutMs);
  session.ended.addEventListener("abort", () => resolve(false));
  const inTime = await complete;
  clearTimeout(timer);
  if (inTime) return toConnection(session, open, options);
  session[Symbol.dispose]();
  return undefined;
}

function expectedStreams({ wanted, protocol }: SpdyCommandOptions): StreamType[] {
  return streamTypes.filter((type) => {
    if (type === "error") return true;
    return type === "resize" ? wanted.tty && protocol.resize : wanted[type];
  });
}

function toConnection(session: SpdySession, open: OpenStreams, options: SpdyCommandOptions): CommandConnection {
  const { wanted, protocol } = options;
  const [stdin, stdout, stderr] = [open.get("stdin"), open.get("stdout"), open.get("stderr")];
  const error = open.get("error");
  if (error === undefined) throw new Error("error stream is always expected");
  return {
    streams: {
      ...(wanted.stdin && stdin !== undefined ? { stdin } : {}),
      ...(wanted.stdout && stdout !== undefined ? { stdout } : {}),
      ...(wanted.stderr && stderr !== undefined ? { stderr } : {}),
      sizes: readTerminalSizes(open.get("resize")),
    },
    error,
    statusFormat: protocol.statusFormat,
    ended: session.ended,
    async close() {
      // Clients wait for the end of each stream they opened, stdin's other half too.
      discard(stdin);
      await endWritables([...open.values()], session.ended);
      await session.close();
    },
  };
}
