import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import { parseSignal } from "#base/parse-signal.ts";
import { removeTree } from "#base/remove-tree.ts";
import type { Call } from "#core/call.ts";
import type { ExecProcess, TaskExit, TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import { openAttachChannel } from "./attach-channel.ts";
import { ControlFifo } from "./control-fifo.ts";
import type { ExecRequest } from "./exec-request.ts";
import { formatSpec } from "#core/tasks/format-spec.ts";
import { startMonitor } from "./monitor.ts";
import { executablePath } from "./runtime-binary.ts";
import { findProcess, signalProcess, type ProcessIdentity } from "./process-identity.ts";

/**
 * Runs a process in a container under a monitor of its own: one with a terminal, or that nobody listens to.
 *
 * @throws what `toRuntimeError` makes of the runtime's text when the process could not be started
 */
export async function startMonitoredExec(request: ExecRequest): Promise<ExecProcess> {
  const { call, directory, spec, attach, poller } = request;
  const tty = spec.process.terminal === true;
  const attached = attach.stdin || attach.stdout || attach.stderr;
  await mkdir(directory, { recursive: true });
  const cleanUp = () => removeTree(directory);
  let streams: TaskStreams | undefined;
  const beforeExec = async () => {
    const options = { stdin: attach.stdin && spec.stdin, stdout: true, stderr: !tty, linger: false };
    streams = await openAttachChannel(join(directory, "attach"), poller, options);
  };
  try {
    const process = attach.size === undefined ? spec.process : { ...spec.process, consoleSize: attach.size };
    const processFile = join(directory, "process.json");
    await writeFile(processFile, formatSpec(process));
    const monitor = await startMonitor(
      {
        ...request,
        program: await executablePath(request.binary),
        command: spec.process.args[0],
        arguments: [
          "--exec",
          `--exec-process-spec=${processFile}`,
          "--log-path=none",
          ...(tty ? ["--terminal", "--leave-stdin-open"] : []),
          ...(attached ? ["--exec-attach"] : []),
        ],
        ...(attached && { beforeExec }),
      },
      call.signal,
    );
    const ended = monitor.ended.then(toExit);
    void ended.then(cleanUp);
    const identity = await findProcess(monitor.pid);
    const parts = { execId: spec.execId, pid: monitor.pid, identity, streams, ended, directory, tty };
    const exec = new MonitoredExec(parts);
    // crun 1.8 sets `consoleSize` beside the process that it starts, and at times not at all.
    if (tty && attach.size !== undefined) await exec.resize(call, attach.size);
    return exec;
  } catch (error) {
    await streams?.[Symbol.asyncDispose]();
    await cleanUp();
    throw error;
  }
}

type Parts = {
  readonly execId: string;
  readonly pid: number;
  readonly identity: ProcessIdentity | undefined;
  readonly streams: TaskStreams | undefined;
  readonly ended: Promise<TaskExit>;
  readonly directory: string;
  readonly tty: boolean;
};

class MonitoredExec implements ExecProcess {
  readonly execId: string;
  readonly pid: number;
  readonly streams?: TaskStreams;
  readonly #parts: Parts;
  readonly #control: ControlFifo;

  constructor(parts: Parts) {
    this.execId = parts.execId;
    this.pid = parts.pid;
    if (parts.streams !== undefined) this.streams = parts.streams;
    this.#parts = parts;
    this.#control = new ControlFifo(join(parts.directory, "ctl"));
  }

  async wait(call: Call): Promise<TaskExit> {
    return await abortable(this.#parts.ended, call.signal);
  }

  async kill(_call: Call, signal: string): Promise<void> {
    const number = parseSignal(signal);
    const { identity } = this.#parts;
    if (identity === undefined || !(await signalProcess(identity, number)))
      throw new EngineError("notFound", `exec ${this.execId}: process already finished`);
  }

  async resize(_call: Call, size: TerminalSize): Promise<void> {
    if (!this.#parts.tty) throw new EngineError("failedPrecondition", `exec ${this.execId}: has no terminal`);
    await this.#control.resize(size);
  }
}

/** A monitor that ends without a word was killed. */
function toExit(code: number | undefined): TaskExit {
  const exit = { exitedAtNs: nowNs(), oomKilled: false };
  if (code !== undefined && code >= 0) return { ...exit, exitCode: code };
  return { ...exit, exitCode: 137, error: "its monitor was killed" };
}
