import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Socket } from "node:net";
import { Readable, type Writable } from "node:stream";
import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import { parseSignal } from "#base/parse-signal.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { OciProcess } from "#core/tasks/oci-spec.ts";
import type { ExecProcess, ExecSpec, TaskExit, TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import { endlessCall } from "./endless-call.ts";
import { openFifoReader, openFifoWriter } from "./fifo-streams.ts";
import { isGone, toShimError } from "./shim-errors.ts";
import { makeFifo } from "./syscalls.ts";
import type { TaskClient } from "./task-client.ts";

export type ExecAttach = { stdin: boolean; stdout: boolean; stderr: boolean; size?: TerminalSize };

export type ExecParts = {
  readonly client: TaskClient;
  /** For its pipes; made and removed here. */
  readonly directory: string;
  readonly spec: ExecSpec;
  readonly attach: ExecAttach;
};

/**
 * Runs a further process over named pipes, which live as long as somebody in this daemon listens.
 *
 * @throws as `toShimError` tells it when it could not be started; nothing is left then
 */
export async function startShimExec(call: Call, parts: ExecParts): Promise<ShimExec> {
  const { client, directory, spec, attach } = parts;
  const { execId } = spec;
  const terminal = spec.process.terminal === true;
  await mkdir(directory, { recursive: true });
  const streams = await openStreams(endlessCall(call), parts);
  try {
    const process = { ...spec.process, ...(attach.size !== undefined && consoleSize(attach.size)) };
    await client.exec(call, { execId, process, terminal, stdio: streams.paths });
    const pid = await client.start(call, execId);
    if (terminal && attach.size !== undefined) await client.resizePty(call, attach.size, execId).catch(() => {});
    return new ShimExec(endlessCall(call), parts, pid, streams);
  } catch (error) {
    await streams[Symbol.asyncDispose]();
    await client.delete(detachedCall(call), execId).catch(() => {});
    await rm(directory, { recursive: true, force: true });
    throw toShimError(error, "exec", spec.process.args[0]);
  }
}

export class ShimExec implements ExecProcess {
  readonly execId: string;
  readonly pid: number;
  readonly streams?: TaskStreams;
  /** Settles when the shim has forgotten it. */
  readonly cleared: Promise<void>;
  readonly #client: TaskClient;
  readonly #terminal: boolean;
  readonly #ended: Promise<TaskExit>;
  #exit: TaskExit | undefined;

  constructor(call: Call, { client, spec, directory, attach }: ExecParts, pid: number, streams: FifoStreams) {
    this.execId = spec.execId;
    this.pid = pid;
    if (attach.stdin || attach.stdout || attach.stderr) this.streams = streams;
    this.#client = client;
    this.#terminal = spec.process.terminal === true;
    this.#ended = this.#awaitEnd(call);
    this.cleared = this.#clear(call, directory, streams);
  }

  async wait(call: Call): Promise<TaskExit> {
    return await abortable(this.#ended, call.signal);
  }

  async kill(call: Call, signal: string): Promise<void> {
    const number = parseSignal(signal);
    const gone = new EngineError("notFound", `exec ${this.execId}: process already finished`);
    if (this.#exit !== undefined) throw gone;
    await this.#client.kill(call, number, { execId: this.execId }).catch((error: unknown) => {
      throw isGone(error) ? gone : error;
    });
  }

  async resize(call: Call, size: TerminalSize): Promise<void> {
    if (!this.#terminal) throw new EngineError("failedPrecondition", `exec ${this.execId}: has no terminal`);
    await this.#client.resizePty(call, size, this.execId);
  }

  /** A shim that dies takes the container along, and so this process. */
  async #awaitEnd(call: Call): Promise<TaskExit> {
    const killed = () => ({ exitCode: 137, exitedAtNs: nowNs() });
    const exit = { ...(await this.#client.wait(call, this.execId).catch(killed)), oomKilled: false };
    this.#exit = exit;
    return exit;
  }

  /** The shim throws away what is still in the process's pipes when it is told to forget it: so not before all is read. */
  async #clear(call: Call, directory: string, streams: FifoStreams): Promise<void> {
    await this.#ended;
    await streams.ended;
    await this.#client.delete(call, this.execId).catch(() => {});
    streams.stdin?.destroy();
    await rm(directory, { recursive: true, force: true });
  }
}

type FifoStreams = TaskStreams & {
  readonly paths: { stdin: string; stdout: string; stderr: string };
  /** Outputs are read to their end, or given up. */
  readonly ended: Promise<void>;
};

async function openStreams(call: Call, { client, directory, spec, attach }: ExecParts): Promise<FifoStreams> {
  const terminal = spec.process.terminal === true;
  const make = (name: string, wanted: boolean) => {
    const path = join(directory, name);
    if (wanted) makeFifo(path);
    return wanted ? path : "";
  };
  const stdin = make("stdin", spec.stdin && attach.stdin);
  const output = { stdout: make("stdout", attach.stdout), stderr: make("stderr", attach.stderr && !terminal) };
  const paths = {
    stdin,
    // A shim opens whatever it is given, and cannot do with less.
    stdout: output.stdout || "/dev/null",
    stderr: terminal ? "" : output.stderr || "/dev/null",
  };
  // To close a terminal's input would end the terminal.
  const onInputEnd = async () => (terminal ? undefined : await client.closeStdin(call, spec.execId));
  const writer = stdin === "" ? undefined : await openFifoWriter(stdin, onInputEnd);
  const readers = await Promise.all([output.stdout, output.stderr].map(readerOf));
  const ended = Promise.all(readers.map(closeOf)).then(() => {});
  return new ExecStreams(paths, ended, writer, readers);
}

class ExecStreams implements FifoStreams {
  readonly paths: FifoStreams["paths"];
  readonly ended: Promise<void>;
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;

  constructor(
    paths: FifoStreams["paths"],
    ended: Promise<void>,
    stdin: Writable | undefined,
    [stdout, stderr]: readonly (Socket | undefined)[],
  ) {
    this.paths = paths;
    this.ended = ended;
    if (stdin !== undefined) this.stdin = stdin;
    this.stdout = stdout ?? Readable.from([]);
    this.stderr = stderr ?? Readable.from([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy();
  }
}

async function readerOf(path: string): Promise<Socket | undefined> {
  return path === "" ? undefined : await openFifoReader(path);
}

async function closeOf(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("close", resolve);
  await promise;
}

function consoleSize({ width, height }: TerminalSize): Pick<OciProcess, "consoleSize"> {
  return { consoleSize: { width, height } };
}
