import type { Duplex, Readable, Writable } from "node:stream";
import type { Call } from "#core/call.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";

/** What a client may ask to be streamed, as CRI's ExecRequest and AttachRequest say it. */
export type WantedStreams = {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never together with `tty`. */
  readonly stderr: boolean;
  readonly tty: boolean;
};

export type ExecStreamRequest = WantedStreams & { readonly containerId: string; readonly args: readonly string[] };

export type AttachStreamRequest = WantedStreams & { readonly containerId: string };

export type PortForwardStreamRequest = {
  readonly podSandboxId: string;
  /** Those that a client of the plain WebSocket protocol gets; with the others it names them as it goes. */
  readonly ports: readonly number[];
};

/**
 * A client's streams, there as far as it wanted them. They are the server's: it ends and disposes them. A runtime may
 * end the writable ones, and need not read stdin to its end.
 */
export type CommandStreams = {
  /** Ends when the client closes its stdin. */
  readonly stdin?: Readable;
  /** With a terminal, all output. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Sizes of the client's terminal: the newest only, when they come faster than they are taken. Never 0 by 0. */
  readonly sizes: AsyncIterable<TerminalSize>;
};

/**
 * What the streaming server runs commands on; the CRI surface implements it over the engine.
 *
 * `call.signal` aborts when the client is gone, was idle for too long, or the server closes: a function must settle
 * soon after, whatever becomes of the process. When it settles, all output must have been written.
 */
export interface StreamingRuntime {
  /** Runs a command in a container and answers its exit code. A throw is told to the client as an internal error. */
  exec(call: Call, request: ExecStreamRequest, streams: CommandStreams): Promise<number>;
  /** Settles when the container's process has ended or the client is gone. */
  attach(call: Call, request: AttachStreamRequest, streams: CommandStreams): Promise<void>;
  /**
   * Connects `connection` with a port in a pod's network, on its loopback. Settles when both directions have ended or
   * either side is gone. `connection` is the server's.
   */
  portForward(call: Call, target: { podSandboxId: string; port: number }, connection: Duplex): Promise<void>;
}
