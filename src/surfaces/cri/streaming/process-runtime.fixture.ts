import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Call } from "#core/call.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";
import type { AttachStreamRequest, CommandStreams, ExecStreamRequest, StreamingRuntime } from "./streaming-runtime.ts";

/**
 * Runs commands as child processes of the test, with pipes or, by script(1), a terminal. Attach runs what the
 * container's id says, as a shell command. Port-forward connects with the test's own loopback.
 */
export class ProcessRuntime implements StreamingRuntime {
  readonly children = new Set<ChildProcess>();
  readonly sizes: TerminalSize[] = [];
  /** Calls that have not settled. */
  running = 0;

  async exec(call: Call, request: ExecStreamRequest, streams: CommandStreams): Promise<number> {
    return await this.#run(call, request.tty ? inTerminal(request.args) : request.args, streams);
  }

  async attach(call: Call, request: AttachStreamRequest, streams: CommandStreams): Promise<void> {
    await this.#run(call, ["sh", "-c", request.containerId], streams);
  }

  async portForward(call: Call, { port }: { port: number }, connection: Duplex): Promise<void> {
    this.running++;
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    try {
      await once(socket, "connect", { signal: call.signal });
      await Promise.all([
        pipeline(connection, socket, { signal: call.signal }),
        pipeline(socket, connection, { signal: call.signal }),
      ]);
    } finally {
      socket.destroy();
      this.running--;
    }
  }

  async #run(call: Call, [file = "", ...args]: readonly string[], streams: CommandStreams): Promise<number> {
    this.running++;
    const child = spawn(file, args, { stdio: "pipe", signal: call.signal, killSignal: "SIGKILL" });
    this.children.add(child);
    child.stdin.on("error", () => {});
    void this.#collectSizes(streams.sizes);
    try {
      if (streams.stdin === undefined) child.stdin.end();
      else void pipeline(streams.stdin, child.stdin).catch(() => {});
      const outputs = Promise.allSettled([
        streams.stdout === undefined ? child.stdout.resume() : pipeline(child.stdout, streams.stdout),
        streams.stderr === undefined ? child.stderr.resume() : pipeline(child.stderr, streams.stderr),
      ]);
      const [code] = await once(child, "close");
      await outputs;
      return Number(code);
    } finally {
      this.children.delete(child);
      this.running--;
    }
  }

  async #collectSizes(sizes: AsyncIterable<TerminalSize>): Promise<void> {
    for await (const size of sizes) this.sizes.push(size);
  }
}

function inTerminal(args: readonly string[]): string[] {
  const quoted = args.map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`).join(" ");
  return ["script", "--quiet", "--return", "--command", quoted, "/dev/null"];
}
