import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nowNs } from "#base/clock.ts";
import { EngineError, isKind } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import { Limiter } from "#base/limiter.ts";
import { parseSignal } from "#base/parse-signal.ts";
import { removeFile } from "#base/remove-tree.ts";
import type { Call } from "#core/call.ts";
import type { OciResources } from "#core/tasks/oci-spec.ts";
import type {
  ExecProcess,
  ExecSpec,
  Task,
  TaskExit,
  TaskRef,
  TaskState,
  TaskStreams,
  TerminalSize,
} from "#core/tasks/runtime.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { connectAccepted } from "./accepted-connection.ts";
import { openAttachChannel } from "./attach-channel.ts";
import { findCgroupPaths, isFrozen, listPids, type CgroupPaths } from "./cgroup-paths.ts";
import { readStats } from "./cgroup-stats.ts";
import { ControlFifo } from "./control-fifo.ts";
import { startDirectExec } from "./direct-exec.ts";
import { findExit } from "./exit-file.ts";
import type { FdPoller } from "./fd-poller.ts";
import { startMonitoredExec } from "./monitored-exec.ts";
import { killMonitorOf } from "./monitor-process.ts";
import { findProcess, signalProcess, type ProcessIdentity } from "./process-identity.ts";
import { removeFromRuntime, removeOwnFiles } from "./remove-task.ts";
import { reopenMonitorLog } from "./reopen-monitor-log.ts";
import { runRuntime } from "./runtime-binary.ts";
import { taskName, type TaskPaths } from "./task-paths.ts";
import type { TaskRecord } from "./task-record.ts";

export type ConmonTaskParts = {
  readonly ref: TaskRef;
  readonly record: TaskRecord;
  readonly paths: TaskPaths;
  readonly exitFile: string;
  readonly conmonPath: string;
  readonly cgroupFiles: readonly string[];
  readonly poller: FdPoller;
  /** First process; undefined for a task that had ended when it was taken up. */
  readonly process: ProcessIdentity | undefined;
  readonly started: boolean;
  readonly onDeleted: () => void;
};

const SIGKILL = 9;
/** How long a killed process may take to be reported by its monitor. */
const killWaitMs = 10_000;

export class ConmonTask implements Task {
  readonly ref: TaskRef;
  readonly record: TaskRecord;
  readonly paths: TaskPaths;
  readonly control: ControlFifo;
  readonly #parts: ConmonTaskParts;
  readonly #exited = Promise.withResolvers<TaskExit>();
  readonly #attaching = new Limiter(1);
  readonly #reopening = new Limiter(1);
  #exit: TaskExit | undefined;
  #started: boolean;
  #cgroups: CgroupPaths | undefined;

  constructor(parts: ConmonTaskParts) {
    this.ref = parts.ref;
    this.record = parts.record;
    this.paths = parts.paths;
    this.control = new ControlFifo(parts.paths.control);
    this.#parts = parts;
    this.#started = parts.started;
  }

  get pid(): number {
    return this.#exit === undefined ? (this.#parts.process?.pid ?? 0) : 0;
  }

  get exit(): TaskExit | undefined {
    return this.#exit;
  }

  async start(call: Call): Promise<void> {
    if (this.#started) throw this.#error("failedPrecondition", "started already");
    this.#assertNotEnded();
    await this.#run(call, ["start", this.#name]);
    this.#started = true;
  }

  async state(_call: Call): Promise<TaskState> {
    if (this.#exit !== undefined) return "stopped";
    if (!this.#started) return "created";
    const cgroups = await this.#findCgroups();
    return cgroups !== undefined && (await isFrozen(cgroups)) ? "paused" : "running";
  }

  async kill(call: Call, signal: string, options: { all?: boolean } = {}): Promise<void> {
    const number = parseSignal(signal);
    const cgroups = await this.#findCgroups();
    if (options.all === true) for (const pid of await this.pids(call)) await signalPid(pid, number);
    else if (!(await this.#signalFirst(number))) throw this.#error("notFound", "process already finished");
    // A process that cgroup v1 froze does not die of SIGKILL before it is thawed.
    if (number === SIGKILL && cgroups?.version === 1 && (await isFrozen(cgroups))) await this.resume(call);
  }

  async pause(call: Call): Promise<void> {
    this.#assertRunning();
    await this.#run(call, ["pause", this.#name]);
  }

  async resume(call: Call): Promise<void> {
    this.#assertRunning();
    await this.#run(call, ["resume", this.#name]);
  }

  async update(call: Call, resources: OciResources): Promise<void> {
    this.#assertNotEnded();
    const file = join(this.paths.bundle, "resources.json");
    await writeFile(file, JSON.stringify(resources));
    try {
      await this.#run(call, ["update", "--resources", file, this.#name]);
    } finally {
      await removeFile(file);
    }
  }

  async wait(call: Call): Promise<TaskExit> {
    return this.#exit ?? (await abortable(this.#exited.promise, call.signal));
  }

  async exec(
    call: Call,
    spec: ExecSpec,
    attach: { stdin: boolean; stdout: boolean; stderr: boolean; size?: TerminalSize },
  ): Promise<ExecProcess> {
    this.#assertRunning();
    const { conmonPath, cgroupFiles, poller } = this.#parts;
    const { binary } = this.record;
    const directory = join(this.paths.execs, spec.execId);
    const request = { call, binary, conmonPath, cgroupFiles, poller, directory, name: this.#name, spec, attach };
    const attached = attach.stdin || attach.stdout || attach.stderr;
    const monitored = spec.process.terminal === true || !attached;
    return await (monitored ? startMonitoredExec(request) : startDirectExec(request));
  }

  async attach(call: Call, options: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<TaskStreams> {
    this.#assertNotEnded();
    const { stdin, tty } = this.record;
    const connect = () =>
      openAttachChannel(this.paths.attach, this.#parts.poller, {
        stdin: options.stdin && stdin !== "none",
        stdout: options.stdout || (tty && options.stderr),
        stderr: options.stderr && !tty,
        linger: stdin === "once" && !options.stdin,
      });
    const monitorPid = Number(await readFile(this.paths.monitorPid, "utf8").catch(() => "0"));
    using _one = await this.#attaching.acquire(call.signal);
    return await connectAccepted(monitorPid, connect);
  }

  async resize(_call: Call, size: TerminalSize): Promise<void> {
    if (!this.record.tty) throw this.#error("failedPrecondition", "has no terminal");
    this.#assertNotEnded();
    await this.control.resize(size);
  }

  async pids(_call: Call): Promise<number[]> {
    const cgroups = await this.#findCgroups();
    return cgroups === undefined ? [] : await listPids(cgroups, this.ref.containerId);
  }

  async stats(_call: Call): Promise<TaskStats> {
    this.#assertNotEnded();
    const cgroups = await this.#findCgroups();
    if (cgroups === undefined) throw this.#error("failedPrecondition", "not running");
    return await readStats(cgroups, this.pid);
  }

  async reopenLog({ signal }: Pick<Call, "signal">): Promise<void> {
    this.#assertNotEnded();
    const { logPath } = this.record;
    if (logPath === undefined) throw this.#error("failedPrecondition", "has no log");
    const monitorPid = Number(await readFile(this.paths.monitorPid, "utf8").catch(() => "0"));
    using _one = await this.#reopening.acquire(signal);
    const reopened = await reopenMonitorLog({ control: this.control, monitorPid, logPath, signal });
    if (!reopened) throw this.#error("failedPrecondition", "not running");
  }

  async delete(call: Call, options: { force?: boolean } = {}): Promise<void> {
    if (this.#exit === undefined && options.force !== true) throw this.#error("failedPrecondition", "running");
    if (this.#exit === undefined) await this.#killForGood(call);
    await removeFromRuntime(call, this.record, this.#name);
    await removeOwnFiles(this.paths, this.#parts.exitFile);
    this.#parts.onDeleted();
  }

  /** Looks for what the monitor wrote; to be called whenever it may have. */
  async checkExit(): Promise<boolean> {
    if (this.#exit !== undefined) return true;
    const found = await findExit(this.paths);
    if (found !== undefined) this.#settle(found);
    return found !== undefined;
  }

  /**
   * The monitor has ended. Without an exit file it was killed, and the process with nobody to hear it must not run on:
   * it is killed, and the exit is written in the monitor's place.
   */
  async monitorEnded(): Promise<TaskExit | undefined> {
    if (await this.checkExit()) return undefined;
    const cgroups = await this.#findCgroups();
    await this.#signalFirst(SIGKILL);
    if (cgroups !== undefined)
      for (const pid of await listPids(cgroups, this.ref.containerId)) await signalPid(pid, SIGKILL);
    await writeFile(this.paths.exit, "137").catch(() => {});
    const exit = { exitCode: 137, exitedAtNs: nowNs(), oomKilled: false, error: "its monitor was killed" };
    this.#settle(exit);
    return exit;
  }

  #settle(exit: TaskExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    this.#exited.resolve(exit);
  }

  async #killForGood(call: Call): Promise<void> {
    await this.kill(call, "SIGKILL").catch((error: unknown) => {
      if (!isKind(error, "notFound")) throw error;
    });
    const deadline = AbortSignal.any([call.signal, AbortSignal.timeout(killWaitMs)]);
    try {
      await this.wait({ ...call, signal: deadline });
    } catch {
      call.signal.throwIfAborted();
      await killMonitorOf(this.paths);
      await this.monitorEnded();
    }
  }

  async #signalFirst(signal: number): Promise<boolean> {
    const { process } = this.#parts;
    return process !== undefined && this.#exit === undefined && (await signalProcess(process, signal));
  }

  async #findCgroups(): Promise<CgroupPaths | undefined> {
    if (this.#cgroups === undefined && this.pid > 0) this.#cgroups = await findCgroupPaths(this.pid);
    return this.#cgroups;
  }

  async #run(call: Call, command: readonly string[]): Promise<void> {
    await runRuntime(call, this.record.binary, command);
  }

  get #name(): string {
    return taskName(this.ref);
  }

  #assertNotEnded(): void {
    if (this.#exit !== undefined)
      throw this.#error("failedPrecondition", `not running (exited ${this.#exit.exitCode})`);
  }

  #assertRunning(): void {
    this.#assertNotEnded();
    if (!this.#started) throw this.#error("failedPrecondition", "not started");
  }

  #error(kind: "failedPrecondition" | "notFound", what: string): EngineError {
    return new EngineError(kind, `container ${this.ref.containerId}: ${what}`);
  }
}

async function signalPid(pid: number, signal: number): Promise<void> {
  const stat = await findProcess(pid);
  if (stat !== undefined) await signalProcess(stat, signal);
}
