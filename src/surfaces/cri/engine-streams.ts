import { connect } from "node:net";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EngineError } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import type { Call } from "#core/call.ts";
import type { TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import { attachContainer, resizeContainer } from "#engine/attach-container.ts";
import { createExec, resizeExec, startExec } from "#engine/exec.ts";
import type { Engine } from "#engine/engine.ts";
import { takeFirstSize } from "./streaming/first-size.ts";
import type {
  AttachStreamRequest,
  CommandStreams,
  ExecStreamRequest,
  StreamingRuntime,
} from "./streaming/streaming-runtime.ts";

/** Runs what the streaming server is asked for on the engine. */
export class EngineStreams implements StreamingRuntime {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async exec(call: Call, request: ExecStreamRequest, client: CommandStreams): Promise<number> {
    const engine = this.#engine;
    const { containerId, args, tty, stdin, stdout, stderr } = request;
    const record = await createExec(call, engine, {
      container: containerId,
      args,
      env: [],
      user: "",
      workdir: "",
      tty,
      privileged: false,
      attach: { stdin, stdout, stderr: stderr && !tty },
    });
    const sizes = tty ? await takeFirstSize(client.sizes) : undefined;
    const first = sizes?.first === undefined ? {} : { size: sizes.first };
    const { exec, streams } = await startExec(call, engine, { execId: record.id, detach: false, ...first });
    if (streams === undefined || exec.process === undefined) throw new Error("exec: no streams");
    await using _open = streams;
    const { process } = exec;
    if (sizes !== undefined) followSizes(sizes.others, (size) => resizeExec(call, engine, record.id, size));
    const output = join(call, client, streams);
    // Awaited below, unless the client is gone before.
    output.catch(() => {});
    try {
      const { exitCode } = await process.wait(call);
      await output;
      return exitCode;
    } catch (error) {
      await process.kill({ ...call, signal: AbortSignal.timeout(5_000) }, "SIGKILL").catch(() => {});
      throw error;
    }
  }

  async attach(call: Call, request: AttachStreamRequest, client: CommandStreams): Promise<void> {
    const engine = this.#engine;
    const { containerId, stdin, stdout, stderr, tty } = request;
    await using streams = await attachContainer(call, engine, { container: containerId, stdin, stdout, stderr });
    if (tty) followSizes(client.sizes, (size) => resizeContainer(call, engine, containerId, size));
    await join(call, client, streams);
  }

  async portForward(
    call: Call,
    { podSandboxId, port }: { podSandboxId: string; port: number },
    connection: Duplex,
  ): Promise<void> {
    const { sandboxes, podNamespaces } = this.#engine;
    const sandbox = await sandboxes.get(call, podSandboxId);
    if (sandbox.state !== "ready") throw new EngineError("failedPrecondition", `sandbox ${sandbox.id}: not ready`);
    const own = sandbox.config.linuxNamespaces.network === "pod";
    const socket = own ? await podNamespaces.connect(call, sandbox.id, port) : await connectHost(call, port);
    try {
      await Promise.all([
        pipeline(connection, socket, { signal: call.signal }),
        pipeline(socket, connection, { signal: call.signal }),
      ]);
    } finally {
      socket.destroy();
    }
  }
}

async function connectHost(call: Call, port: number): Promise<Duplex> {
  const socket = connect({ host: "localhost", port, allowHalfOpen: true });
  try {
    await once(socket, "connect", { signal: call.signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

/** Carries bytes both ways; settles when all output was written. */
async function join({ signal }: Call, client: CommandStreams, process: TaskStreams): Promise<void> {
  if (client.stdin !== undefined && process.stdin !== undefined) {
    // Whoever closes first: the end of output decides.
    pipeline(client.stdin, process.stdin, { signal }).catch(() => {});
  }
  const outputs = [
    client.stdout === undefined ? drain(process.stdout) : pipeline(process.stdout, client.stdout, { signal }),
    client.stderr === undefined ? drain(process.stderr) : pipeline(process.stderr, client.stderr, { signal }),
  ];
  const all = Promise.all(outputs);
  // It is left to itself when the client is gone.
  all.catch(() => {});
  await abortable(all, signal);
}

async function drain(stream: TaskStreams["stdout"]): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return;
  stream.resume();
  await new Promise<void>((resolve) =>
    stream
      .once("end", resolve)
      .once("close", resolve)
      .once("error", () => resolve()),
  );
}

/** A terminal that has gone takes no sizes. */
function followSizes(sizes: AsyncIterable<TerminalSize>, resize: (size: TerminalSize) => Promise<void>): void {
  const follow = async () => {
    for await (const size of sizes) await resize(size);
  };
  follow().catch(() => {});
}
