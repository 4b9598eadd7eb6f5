import { watch } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import { parseSignal } from "#base/parse-signal.ts";
import { type RunningChild, startProcess } from "#base/processes/start-process.ts";
import { removeTree } from "#base/remove-tree.ts";
import type { Call } from "#core/call.ts";
import type { ExecProcess, TaskExit, TaskStreams } from "#core/tasks/runtime.ts";
import type { ExecRequest } from "./exec-request.ts";
import { formatSpec } from "#core/tasks/format-spec.ts";
import { findProcess, signalProcess, type ProcessIdentity } from "./process-identity.ts";
import { childEnvironment, executablePath, globalArguments } from "./runtime-binary.ts";
import { toRuntimeError } from "#core/tasks/to-runtime-error.ts";
import { closeFd, openPipe } from "./syscalls.ts";

/**
 * Runs a process in a container as a child of this daemon, over pipes: the quick way, for one that somebody listens to
 * and that has no terminal.
 *
 * @throws what `toRuntimeError` makes of the runtime's text when the process could not be started
 */
export async function startDirectExec(request: ExecRequest): Promise<ExecProcess> {
  const { call, directory, spec } = request;
  call.signal.throwIfAborted();
  await mkdir(directory, { recursive: true });
  const files = { process: join(directory, "process.json"), pid: join(directory, "pid"), log: join(directory, "log") };
  await writeFile(files.process, formatSpec(spec.process));
  const cleanUp = () => removeTree(directory);
  const { child, streams } = await spawnExec(request, files).catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });
  const ended = endOf(child);
  try {
    const pid = await abortable(pidOf(files.pid, directory, ended), call.signal);
    if (pid === undefined) {
      const log = await readFile(files.log, "utf8").catch(() => "");
      throw toRuntimeError(log, `${request.binary.name} exec`, spec.process.args[0]);
    }
    void ended.then(cleanUp);
    // Looked for now, while it is surely this one, and waited for by those who signal it.
    return new DirectExec(spec.execId, pid, findProcess(pid), streams, ended);
  } catch (error) {
    child.kill("SIGKILL");
    await streams[Symbol.asyncDispose]();
    await ended;
    await cleanUp();
    throw error;
  }
}

class DirectExec implements ExecProcess {
  readonly execId: string;
  readonly pid: number;
  readonly streams: TaskStreams;
  readonly #identity: Promise<ProcessIdentity | undefined>;
  readonly #ended: Promise<TaskExit>;

  constructor(
    execId: string,
    pid: number,
    identity: Promise<ProcessIdentity | undefined>,
    streams: TaskStreams,
    ended: Promise<TaskExit>,
  ) {
    this.execId = execId;
    this.pid = pid;
    this.streams = streams;
    this.#identity = identity;
    this.#ended = ended;
  }

  async wait(call: Call): Promise<TaskExit> {
    return await abortable(this.#ended, call.signal);
  }

  async kill(_call: Call, signal: string): Promise<void> {
    const number = parseSignal(signal);
    const identity = await this.#identity;
    if (identity === undefined || !(await signalProcess(identity, number)))
      throw new EngineError("notFound", `exec ${this.execId}: process already finished`);
  }

  async resize(): Promise<void> {
    throw new EngineError("failedPrecondition", `exec ${this.execId}: has no terminal`);
  }
}

async function spawnExec(
  { binary, name, attach, spec }: ExecRequest,
  files: { process: string; pid: string; log: string },
): Promise<{ child: RunningChild; streams: TaskStreams }> {
  const input = spec.stdin && attach.stdin ? openPipe() : undefined;
  const output = attach.stdout ? openPipe() : undefined;
  const errors = attach.stderr ? openPipe() : undefined;
  const args = [
    ...globalArguments(binary),
    `--log=${files.log}`,
    "exec",
    `--process=${files.process}`,
    `--pid-file=${files.pid}`,
    name,
  ];
  const fds = [input?.read ?? "null", output?.write ?? "null", errors?.write ?? "null"] as const;
  const streams = new PipeStreams(input?.write, output?.read, errors?.read);
  try {
    const path = await executablePath(binary);
    const child = await startProcess({ path, name: binary.path, args, cwd: "/", env: childEnvironment, fds });
    return { child, streams };
  } catch (error) {
    await streams[Symbol.asyncDispose]();
    throw error;
  } finally {
    for (const fd of fds) if (fd !== "null") closeFd(fd);
  }
}

class PipeStreams implements TaskStreams {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;

  constructor(stdin: number | undefined, stdout: number | undefined, stderr: number | undefined) {
    if (stdin !== undefined) this.stdin = quiet(new Socket({ fd: stdin, readable: false, writable: true }));
    this.stdout =
      stdout === undefined ? Readable.from([]) : quiet(new Socket({ fd: stdout, readable: true, writable: false }));
    this.stderr =
      stderr === undefined ? Readable.from([]) : quiet(new Socket({ fd: stderr, readable: true, writable: false }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy();
  }
}

/** What is written to a process that has closed its stdin is lost without an error, as in a shell's pipe. */
function quiet(socket: Socket): Socket {
  return socket.on("error", () => {});
}

async function endOf({ exited }: RunningChild): Promise<TaskExit> {
  const { code } = await exited;
  return { exitCode: code, exitedAtNs: nowNs(), oomKilled: false };
}

/** The runtime writes the pid file when the process runs; undefined when it ended without having done so. */
async function pidOf(file: string, directory: string, ended: Promise<unknown>): Promise<number | undefined> {
  const written = Promise.withResolvers<number | undefined>();
  const look = async () => {
    const pid = Number(await readFile(file, "utf8").catch(() => ""));
    if (pid > 0) written.resolve(pid);
    return pid > 0;
  };
  const watcher = watch(directory, { persistent: false }, () => void look());
  watcher.on("error", () => {});
  try {
    void ended.then(async () => (await look()) || written.resolve(undefined));
    await look();
    return await written.promise;
  } finally {
    watcher.close();
  }
}
