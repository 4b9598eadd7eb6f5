import assert from "node:assert/strict";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { testCall } from "#test/support/call.ts";
import { ProcessRuntime } from "./process-runtime.fixture.ts";
import { StreamingServer, type StreamingServerOptions } from "./streaming-server.ts";
import type { WantedStreams } from "./streaming-runtime.ts";

export type StreamingBed = AsyncDisposable & {
  readonly server: StreamingServer;
  readonly runtime: ProcessRuntime;
  /** URL of an exec; `streams` is letters: i, o, e, t. */
  exec(streams: string, ...args: string[]): string;
};

/** A server over real processes. Disposing proves that nothing is left that was not there before. */
export async function openStreamingBed(options: StreamingServerOptions = {}): Promise<StreamingBed> {
  const before = held();
  const runtime = new ProcessRuntime();
  const server = await StreamingServer.open(testCall(), runtime, options);
  return {
    server,
    runtime,
    exec: (streams, ...args) => server.getExec({ containerId: "c", args, ...wanted(streams) }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      assert.equal(runtime.running, 0, "calls that have not settled");
      assert.equal(runtime.children.size, 0, "processes left");
      await eventuallyEqual(() => heldBeyond(before), []);
    },
  };
}

export function wanted(streams: string): WantedStreams {
  const has = (letter: string) => streams.includes(letter);
  return { stdin: has("i"), stdout: has("o"), stderr: has("e"), tty: has("t") };
}

/** What is held more often than `before`; what the last test closed may still have been there then. */
function heldBeyond(before: readonly string[]): string[] {
  const known = [...before];
  return held().filter((name) => {
    const at = known.indexOf(name);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

/** Sockets, servers, processes and timers of this test process. */
function held(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /^(TCP|Process|Timeout|TLS)/.test(name))
    .sort();
}
