import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "#base/clock.ts";
import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import { parseSignal } from "#base/parse-signal.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { OciResources } from "#core/tasks/oci-spec.ts";
import { parseNetDev } from "#core/tasks/parse-net-dev.ts";
import type { ExecProcess, ExecSpec, Task, TaskExit, TaskRef, TaskState, TaskStreams } from "#core/tasks/runtime.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { openTaskStreams } from "./task-streams.ts";
import { removeBundle } from "./bundle-files.ts";
import type { BundlePaths } from "./bundle-paths.ts";
import { endlessCall } from "./endless-call.ts";
import type { ProcessOutput } from "./process-output.ts";
import { forgetTask, removeAfterShim } from "./forget-task.ts";
import { isGone, toShimError } from "./shim-errors.ts";
import { startShimExec, type ExecAttach, type ShimExec } from "./shim-exec.ts";
import { killProcessesIn, type ShimInvocation } from "./shim-process.ts";
import { formatExit, type ShimRecord } from "./shim-record.ts";
import { hasOomKill, toTaskStats } from "./shim-stats.ts";
import type { ProcessExit, ShimAddress, TaskClient } from "./task-client.ts";

export type ShimTaskParts = {
  readonly ref: TaskRef;
  readonly record: ShimRecord;
  readonly paths: BundlePaths;
  readonly invocation: ShimInvocation;
  readonly address: ShimAddress;
  /** Undefined for a task whose shim had ended when it was taken up. */
  readonly client: TaskClient | undefined;
  readonly output: ProcessOutput;
  readonly pid: number;
  readonly started: boolean;
  /** The process's program, for errors. */
  readonly command: string | undefined;
  readonly onDeleted: () => void;
};

const SIGKILL = 9;
/** How long a killed process may take to be reported by its shim. */
const killWaitMs = 10_000;
/** How long execs may take to end after their task. */
const graceMs = 1_000;

/** A task under a shim. Its exit is written down before the shim is told to forget it, and settles when the log is whole. */
export class ShimTask implements Task {
  readonly ref: TaskRef;
  readonly #parts: ShimTaskParts;
  readonly #call: Call;
  readonly #exited = Promise.withResolvers<TaskExit>();
  readonly #execs = new Set<ShimExec>();
  #exit: TaskExit | undefined;
  #started: boolean;
  #finishing: Promise<void> | undefined;
  #closed = false;
  #oomKilled = false;

  /** Watches over the process from now on. */
  constructor(call: Call, parts: ShimTaskParts) {
    this.ref = parts.ref;
    this.#parts = parts;
    this.#started = parts.started;
    this.#call = endlessCall(call);
    if (parts.client !== undefined) void this.#watch(parts.client);
  }

  get pid(): number {
    return this.#exit === undefined ? this.#parts.pid : 0;
  }

  get exit(): TaskExit | undefined {
    return this.#exit;
  }

  async start(call: Call): Promise<void> {
    if (this.#started) throw this.#error("failedPrecondition", "started already");
    this.#assertNotEnded();
    try {
      await this.#client.start(call);
      this.#started = true;
    } catch (error) {
      throw toShimError(error, "start", this.#parts.command);
    }
  }

  async state(call: Call): Promise<TaskState> {
    if (this.#exit !== undefined) return "stopped";
    if (this.#finishing === undefined) {
      const { state } = await this.#client.state(call);
      if (state !== "stopped") return state;
    }
    await this.wait(call);
    return "stopped";
  }

  async kill(call: Call, signal: string, options: { all?: boolean } = {}): Promise<void> {
    const number = parseSignal(signal);
    if (this.#finishing !== undefined) throw this.#error("notFound", "process already finished");
    const client = this.#client;
    try {
      await client.kill(call, number, { all: options.all ?? false });
      // A process that cgroup v1 froze does not die of SIGKILL before it is thawed.
      if (number === SIGKILL) await this.#thaw(call);
    } catch (error) {
      throw isGone(error) ? this.#error("notFound", "process already finished") : error;
    }
  }

  async pause(call: Call): Promise<void> {
    this.#assertRunning();
    await this.#client.pause(call);
  }

  async resume(call: Call): Promise<void> {
    this.#assertRunning();
    await this.#client.resume(call);
  }

  async update(call: Call, resources: OciResources): Promise<void> {
    this.#assertNotEnded();
    await this.#client.update(call, resources).catch((error: unknown) => {
      throw toShimError(error, "update", undefined);
    });
  }

  async wait(call: Call): Promise<TaskExit> {
    return this.#exit ?? (await abortable(this.#exited.promise, call.signal));
  }

  async exec(call: Call, spec: ExecSpec, attach: ExecAttach): Promise<ExecProcess> {
    this.#assertRunning();
    const directory = join(this.#parts.paths.execs, spec.execId);
    const exec = await startShimExec(call, { client: this.#client, directory, spec, attach });
    this.#execs.add(exec);
    void exec.cleared.then(() => this.#execs.delete(exec));
    return exec;
  }

  async attach(_call: Call, options: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<TaskStreams> {
    this.#assertNotEnded();
    const { output, record, paths } = this.#parts;
    const client = this.#client;
    const closeStdin = () => client.closeStdin(this.#call);
    return await openTaskStreams({ output, record, fifo: paths.stdin, closeStdin }, options);
  }

  async resize(call: Call, size: TerminalSize): Promise<void> {
    if (!this.#parts.record.tty) throw this.#error("failedPrecondition", "has no terminal");
    this.#assertNotEnded();
    await this.#client.resizePty(call, size);
  }

  async pids(call: Call): Promise<number[]> {
    if (this.#finishing !== undefined) return [];
    return await this.#client.pids(call).catch((error: unknown) => {
      if (isGone(error)) return [];
      throw error;
    });
  }

  async stats(call: Call): Promise<TaskStats> {
    this.#assertNotEnded();
    const metrics = await this.#client.stats(call).catch((error: unknown) => {
      throw isGone(error) ? this.#error("failedPrecondition", "not running") : error;
    });
    const netDev = await readFile(`/proc/${this.pid}/net/dev`, "utf8").catch(() => "");
    return toTaskStats(metrics, parseNetDev(netDev));
  }

  async reopenLog(_call: Call): Promise<void> {
    this.#assertNotEnded();
    if (this.#parts.record.logPath === undefined) throw this.#error("failedPrecondition", "has no log");
    await this.#parts.output.reopenLog();
  }

  async delete(call: Call, options: { force?: boolean } = {}): Promise<void> {
    if (this.#exit === undefined && options.force !== true) throw this.#error("failedPrecondition", "running");
    if (this.#exit === undefined) await this.#killForGood(call);
    await removeBundle(this.#parts.paths);
    this.#parts.onDeleted();
  }

  /** What an event tells: the kernel killed in the container for want of memory. */
  noteOom(): void {
    this.#oomKilled = true;
  }

  /** What an event tells, or the answer to the wait. */
  async finish(exit: ProcessExit): Promise<void> {
    this.#finishing ??= this.#finish(exit);
    await this.#finishing;
  }

  /** The task ended before this daemon; its log is brought to the end. */
  async settleAs(exit: TaskExit): Promise<void> {
    this.#finishing ??= this.#parts.output.finish().then(() => this.#settle(exit));
    await this.#finishing;
  }

  /** Lets go of the shim; the process runs on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#parts.client?.close();
    await this.#parts.output.close();
  }

  async #watch(client: TaskClient): Promise<void> {
    try {
      const exit = await client.wait(this.#call).catch(async (error: unknown) => {
        if (!isKind(error, "unavailable")) throw error;
        return undefined;
      });
      if (exit !== undefined) return await this.finish(exit);
      if (this.#closed || this.#finishing !== undefined) return;
      await this.monitorEnded();
    } catch (error) {
      this.#call.log.error({ containerId: this.ref.containerId }, `shim: ${messageOf(error)}`);
      if (this.#finishing === undefined) await this.monitorEnded();
    }
  }

  /** Nobody watches over the process any more: it must not run on unheard. */
  async monitorEnded(): Promise<void> {
    this.#finishing ??= this.#finishWithoutShim();
    await this.#finishing;
  }

  async #finish({ exitCode, exitedAtNs }: ProcessExit): Promise<void> {
    const { paths, output, address } = this.#parts;
    const client = this.#client;
    const call = detachedCall(this.#call);
    const oomKilled = this.#oomKilled || (await client.stats(call).then(hasOomKill, () => false));
    const exit: TaskExit = { exitCode, exitedAtNs, oomKilled };
    await writeFile(paths.exit, formatExit(exit), { mode: 0o600 });
    await this.#clearExecs();
    await forgetTask(call, client, address);
    await output.finish();
    this.#settle(exit);
  }

  async #finishWithoutShim(): Promise<void> {
    const { invocation, paths, output, address } = this.#parts;
    const exit: TaskExit = { exitCode: 137, exitedAtNs: nowNs(), oomKilled: false, error: "its monitor was killed" };
    this.#call.log.error({ containerId: this.ref.containerId }, "its monitor was killed");
    await removeAfterShim(detachedCall(this.#call), invocation, address);
    await writeFile(paths.exit, formatExit(exit), { mode: 0o600 });
    await output.finish();
    this.#settle(exit);
  }

  /** Their ends are known by now, or will not be. */
  async #clearExecs(): Promise<void> {
    if (this.#execs.size === 0) return;
    const cleared = Promise.all([...this.#execs].map((exec) => exec.cleared));
    await Promise.race([cleared, sleep(graceMs)]);
  }

  #settle(exit: TaskExit): void {
    this.#exit = exit;
    this.#exited.resolve(exit);
  }

  async #thaw(call: Call): Promise<void> {
    const client = this.#client;
    const state = await client.state(call).catch(() => undefined);
    if (state?.state === "paused") await client.resume(call).catch(() => {});
  }

  async #killForGood(call: Call): Promise<void> {
    await this.kill(call, "SIGKILL").catch((error: unknown) => {
      if (!isKind(error, "notFound")) throw error;
    });
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(killWaitMs)]);
    try {
      await this.wait({ ...call, signal });
    } catch {
      call.signal.throwIfAborted();
      await killProcessesIn(this.#parts.paths.bundle);
      await this.monitorEnded();
    }
  }

  get #client(): TaskClient {
    if (this.#parts.client === undefined) throw this.#error("failedPrecondition", "not running");
    return this.#parts.client;
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
