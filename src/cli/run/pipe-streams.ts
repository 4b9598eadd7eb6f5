import { spawn } from "node:child_process";
import type { ReadStream } from "node:tty";
import { outputFrames } from "#clients/docker/frames.ts";
import type { Hijacked } from "#clients/docker/docker-client.ts";
import { write } from "../output.ts";
import { DetachScanner } from "./detach-keys.ts";

export type PipeOptions = {
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Empty for none; looked for only where a terminal types into a terminal. */
  readonly detachKeys: Buffer;
};

export type PipeEnd = "ended" | "detached";

/**
 * Joins a hijacked connection with our own standard streams until its output ends or the detach keys are typed.
 *
 * With `tty` and a terminal here, that is raw meanwhile; it is restored on every way out.
 */
export async function pipeStreams(connection: Hijacked, options: PipeOptions): Promise<PipeEnd> {
  const output = writeOutput(connection, options.tty);
  if (!options.stdin) {
    await output;
    return "ended";
  }
  using input = openInput(connection, options);
  return await Promise.race([output.then((): PipeEnd => "ended"), input.detached.then((): PipeEnd => "detached")]);
}

async function writeOutput(connection: Hijacked, tty: boolean): Promise<void> {
  try {
    if (tty) for await (const bytes of connection.output) write(1, bytes);
    else {
      for await (const { stream, bytes } of outputFrames(connection.output)) write(stream === "stdout" ? 1 : 2, bytes);
    }
  } catch (error) {
    // A server that hangs up while we type has nothing more to say; how the container ended is asked for separately.
    if (!(error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE")))
      throw error;
  }
}

function openInput({ socket }: Hijacked, options: PipeOptions): Disposable & { detached: Promise<void> } {
  const { promise: detached, resolve } = Promise.withResolvers<void>();
  const { stdin } = process;
  const raw = options.tty && stdin.isTTY;
  const scanner = raw ? new DetachScanner(options.detachKeys) : undefined;
  const restore = raw ? makeRaw(stdin) : undefined;
  stdin.on("data", (typed: Buffer) => {
    const { send, detached: done } = scanner?.scan(typed) ?? { send: typed, detached: false };
    if (send.length > 0 && !socket.write(send)) {
      stdin.pause();
      socket.once("drain", () => stdin.resume());
    }
    if (done) resolve();
  });
  // Half-closing tells the server that stdin has ended; output goes on.
  stdin.on("end", () => socket.end());
  stdin.on("error", () => socket.end());
  return {
    detached,
    [Symbol.dispose]() {
      restore?.();
      stdin.pause();
      stdin.removeAllListeners("data");
      stdin.removeAllListeners("end");
    },
  };
}

function makeRaw(stdin: ReadStream): () => void {
  stdin.setRawMode(true);
  // Node's raw mode still turns a line feed into CR LF, which tears up what a full-screen program draws. A machine
  // without stty shows that; restoring below takes it back with the rest.
  spawn("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] }).on("error", () => undefined);
  const restore = () => void stdin.setRawMode(false);
  process.once("exit", restore);
  return () => {
    restore();
    process.off("exit", restore);
  };
}
