import { watch, type FSWatcher } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { directoriesIn } from "#base/directories-in.ts";
import { EngineError, messageOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import { detachedCall, type Call, type Namespace } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Runtime, RuntimeFeatures, Task, TaskRef, TaskSpec } from "#core/tasks/runtime.ts";
import { pickHandler } from "#core/tasks/pick-handler.ts";
import { CgroupMoves } from "./cgroup-moves.ts";
import { ConmonTask } from "./conmon-task.ts";
import { FdPoller } from "./fd-poller.ts";
import { formatSpec } from "#core/tasks/format-spec.ts";
import { LogRotator } from "./log-rotator.ts";
import { findMonitorCgroup } from "./monitor-cgroup.ts";
import { findMonitor, killMonitorOf } from "./monitor-process.ts";
import { startMonitor, type MonitorRequest } from "./monitor.ts";
import { openHandlers, type Handler, type HandlerOptions } from "./open-handlers.ts";
import { findInPath } from "./probe-runtime.ts";
import { findProcess, type ProcessIdentity } from "./process-identity.ts";
import { removeAbandonedCgroup } from "#base/processes/remove-abandoned-cgroup.ts";
import { removeFromRuntime, removeOwnFiles } from "./remove-task.ts";
import { executablePath } from "./runtime-binary.ts";
import { bundlePath, taskName, taskPaths, type TaskPaths } from "./task-paths.ts";
import { parseTaskRecord, toTaskRecord, type TaskRecord } from "./task-record.ts";

export type ConmonRuntimeOptions = HandlerOptions & {
  readonly log: Logger;
  /** Name or path; `conmon` when left out. */
  readonly conmonPath?: string;
  /** Left out: the first. */
  readonly defaultHandler?: string;
};

/** How often monitors that were taken up after a restart are looked for. */
const monitorCheckMs = 3000;
/** What conmon needs at most from its start to its pid file. */
const monitorStartMs = 100;

/** Tasks under conmon; see README.md. Made by {@link openConmonRuntime}, disposed by its maker: tasks run on. */
export class ConmonRuntime implements Runtime, Disposable {
  readonly defaultHandler: string;
  readonly #options: ConmonRuntimeOptions & { conmonPath: string };
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #cgroupFiles: readonly string[];
  readonly #poller = new FdPoller();
  readonly #moves = new CgroupMoves();
  readonly #tasks = new Map<string, ConmonTask>();
  readonly #beingMade = new Set<string>();
  /** Taken up after a restart: without a pipe that tells of their monitor's end. */
  readonly #adopted = new Set<ConmonTask>();
  readonly #exits: string;
  readonly #watcher: FSWatcher;
  readonly #timer: NodeJS.Timeout;
  readonly #rotator: LogRotator;

  constructor(
    options: ConmonRuntimeOptions & { conmonPath: string },
    handlers: ReadonlyMap<string, Handler>,
    defaultHandler: string,
    cgroupFiles: readonly string[],
  ) {
    this.#options = options;
    this.#handlers = handlers;
    this.defaultHandler = defaultHandler;
    this.#cgroupFiles = cgroupFiles;
    this.#exits = join(options.stateDirectory, "exits");
    this.#watcher = watch(this.#exits, (_event, name) => void this.#exitWritten(name));
    this.#watcher.on("error", (error) => options.log.error({ kind: "internal" }, `exits: ${messageOf(error)}`));
    this.#timer = setInterval(() => void this.#checkAdopted(), monitorCheckMs).unref();
    this.#rotator = new LogRotator(() => this.#tasks.values(), options.log);
  }

  features(): readonly RuntimeFeatures[] {
    return [...this.#handlers.values()].map(({ features }) => features);
  }

  bundlePath(ref: TaskRef): string {
    return bundlePath(this.#options.stateDirectory, ref);
  }

  expect(): void {
    this.#moves.begin();
  }

  async create(call: Call, spec: TaskSpec): Promise<Task> {
    const { binary } = pickHandler(this.#handlers, spec.runtimeHandler ?? this.defaultHandler);
    const name = taskName(spec);
    if (this.#tasks.has(name) || this.#beingMade.has(name))
      throw new EngineError("alreadyExists", `task ${spec.containerId}: already there`);
    this.#beingMade.add(name);
    try {
      return await this.#create(call, spec, toTaskRecord(spec, binary));
    } finally {
      this.#beingMade.delete(name);
    }
  }

  async find(_call: Call, ref: TaskRef): Promise<Task | undefined> {
    return this.#tasks.get(taskName(ref));
  }

  async list(): Promise<TaskRef[]> {
    return [...this.#tasks.values()].map(({ ref }) => ref);
  }

  async recover(call: Call): Promise<void> {
    const containers = join(this.#options.stateDirectory, "containers");
    for (const namespace of await directoriesIn(containers)) {
      for (const id of await directoriesIn(join(containers, namespace))) {
        const ref = { namespace: namespace as Namespace, containerId: id as ContainerId };
        if (!this.#tasks.has(taskName(ref))) await this.#recoverOne(call, ref);
      }
    }
    for (const file of await readdir(this.#exits))
      if (!this.#tasks.has(file)) await rm(join(this.#exits, file), { force: true });
  }

  close(): void {
    this.#watcher.close();
    clearInterval(this.#timer);
    this.#rotator.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The record stands before the monitor is started; whatever fails, everything is undone. */
  async #create(call: Call, spec: TaskSpec, record: TaskRecord): Promise<Task> {
    const paths = taskPaths(this.bundlePath(spec));
    await mkdir(paths.bundle, { recursive: true, mode: 0o711 });
    try {
      await Promise.all([
        writeFile(paths.config, formatSpec(spec.spec), { mode: 0o600 }),
        writeFile(paths.record, JSON.stringify(record), { mode: 0o600 }),
      ]);
      const request = this.#monitorRequest(spec, record, paths);
      const program = await executablePath(record.binary);
      const monitor = await startMonitor({ ...request, program }, call.signal);
      const task = this.#add(spec, record, paths, await findProcess(monitor.pid), false);
      void monitor.ended.then(() => this.#monitorEnded(task));
      return task;
    } catch (error) {
      await this.#undo(detachedCall(call), spec, record, paths).catch((failure: unknown) =>
        call.log.error({ containerId: spec.containerId }, `undo of create: ${messageOf(failure)}`),
      );
      throw error;
    }
  }

  #monitorRequest(spec: TaskSpec, record: TaskRecord, paths: TaskPaths): Omit<MonitorRequest, "program"> {
    if (record.logPath?.includes(":") === true)
      throw new EngineError("invalidArgument", `log path ${record.logPath}: conmon takes no path with a colon`);
    return {
      conmonPath: this.#options.conmonPath,
      binary: record.binary,
      name: taskName(spec),
      directory: paths.bundle,
      command: spec.spec.process.args[0],
      cgroupFiles: this.#cgroupFiles,
      arguments: [
        `--persist-dir=${paths.bundle}`,
        `--exit-dir=${this.#exits}`,
        `--log-path=${record.logPath === undefined ? "none" : `k8s-file:${record.logPath}`}`,
        ...(record.tty ? ["--terminal"] : []),
        ...(record.stdin === "none" ? [] : ["--stdin"]),
        // A terminal ends its input by a character; to close it when a client leaves would be the end of the process.
        ...(record.stdin === "once" && !record.tty ? [] : ["--leave-stdin-open"]),
      ],
    };
  }

  #add(
    ref: TaskRef,
    record: TaskRecord,
    paths: TaskPaths,
    process: ProcessIdentity | undefined,
    started: boolean,
  ): ConmonTask {
    const name = taskName(ref);
    const task = new ConmonTask({
      ref: { namespace: ref.namespace, containerId: ref.containerId },
      record,
      paths,
      exitFile: join(this.#exits, name),
      conmonPath: this.#options.conmonPath,
      cgroupFiles: this.#cgroupFiles,
      poller: this.#poller,
      process,
      started,
      onDeleted: () => {
        this.#tasks.delete(name);
        this.#adopted.delete(task);
      },
    });
    this.#tasks.set(name, task);
    return task;
  }

  async #recoverOne(call: Call, ref: TaskRef): Promise<void> {
    const paths = taskPaths(this.bundlePath(ref));
    const text = await readFile(paths.record, "utf8").catch(() => undefined);
    const record = text === undefined ? undefined : parseTaskRecord(text);
    // Without a whole record nothing was begun; what else is in the directory is the caller's.
    if (record === undefined) return await removeOwnFiles(paths, join(this.#exits, taskName(ref)));
    const pid = Number(await readFile(paths.pid, "utf8").catch(() => "0"));
    const monitor = await findMonitor(paths);
    if (pid > 0) await this.#takeUp(call, { ref, record, paths, pid, monitor });
    else await this.#undoHalfMade(call, { ref, record, paths, monitor });
  }

  async #takeUp(
    call: Call,
    found: { ref: TaskRef; record: TaskRecord; paths: TaskPaths; pid: number; monitor: ProcessIdentity | undefined },
  ): Promise<void> {
    const { ref, record, paths, pid, monitor } = found;
    const first = await findProcess(pid);
    // A child of the monitor is the process it started: nobody else takes its pid while the monitor has not reaped it.
    const process = monitor !== undefined && first?.parentPid === monitor.pid ? first : undefined;
    // Both runtimes keep this file until the process is started.
    const waits = await stat(join(record.binary.root, taskName(ref), "exec.fifo")).then(
      () => true,
      () => false,
    );
    const task = this.#add(ref, record, paths, process, !waits);
    if (await task.checkExit()) return;
    if (monitor !== undefined) this.#adopted.add(task);
    else {
      await removeFromRuntime(call, record, taskName(ref));
      await this.#monitorEnded(task);
    }
  }

  /** The daemon was killed while the monitor was still making the process. */
  async #undoHalfMade(
    call: Call,
    found: { ref: TaskRef; record: TaskRecord; paths: TaskPaths; monitor: ProcessIdentity | undefined },
  ): Promise<void> {
    const { ref, record, paths, monitor } = found;
    call.log.info({ containerId: ref.containerId }, "clears a half-made task");
    // A monitor that was about to write its pid has done so by then.
    if (monitor === undefined) await sleep(monitorStartMs);
    await this.#undo(call, ref, record, paths);
  }

  /** The files go last: as long as something else is left, the record is. */
  async #undo(call: Call, ref: TaskRef, record: TaskRecord, paths: TaskPaths): Promise<void> {
    await killMonitorOf(paths);
    await removeFromRuntime(call, record, taskName(ref));
    await removeAbandonedCgroup(paths.config, ref.containerId);
    await removeOwnFiles(paths, join(this.#exits, taskName(ref)));
  }

  async #exitWritten(name: string | null): Promise<void> {
    const task = name === null ? undefined : this.#tasks.get(name);
    if (task !== undefined) await task.checkExit();
    // Without a name the kernel lost track: look at all.
    else if (name === null) await Promise.all([...this.#tasks.values()].map((each) => each.checkExit()));
  }

  async #monitorEnded(task: ConmonTask): Promise<void> {
    try {
      const exit = await task.monitorEnded();
      if (exit !== undefined) this.#options.log.error({ containerId: task.ref.containerId }, exit.error ?? "");
    } catch (error) {
      this.#options.log.error({ containerId: task.ref.containerId }, `monitor ended: ${messageOf(error)}`);
    }
  }

  async #checkAdopted(): Promise<void> {
    for (const task of this.#adopted) {
      if (task.exit !== undefined) this.#adopted.delete(task);
      else if ((await findMonitor(task.paths)) === undefined) {
        this.#adopted.delete(task);
        await this.#monitorEnded(task);
      }
    }
  }
}

/**
 * Looks for conmon and a runtime that works here, and opens the driver; the choice is logged.
 *
 * @throws failedPrecondition when conmon or every runtime is missing or refuses
 */
export async function openConmonRuntime(call: Call, options: ConmonRuntimeOptions): Promise<ConmonRuntime> {
  const conmonPath = await findInPath(options.conmonPath ?? "conmon");
  if (conmonPath === undefined)
    throw new EngineError("failedPrecondition", `${options.conmonPath ?? "conmon"}: not installed`);
  for (const name of ["containers", "exits", "runtimes"])
    await mkdir(join(options.stateDirectory, name), { recursive: true, mode: 0o711 });
  const handlers = await openHandlers(call, options);
  const defaultHandler = options.defaultHandler ?? [...handlers.keys()][0] ?? "";
  if (!handlers.has(defaultHandler))
    throw new EngineError("failedPrecondition", `default runtime ${defaultHandler}: not configured`);
  for (const { features } of handlers.values())
    options.log.info({ runtime: features.name, path: features.path, version: features.version }, features.reason);
  return new ConmonRuntime({ ...options, conmonPath }, handlers, defaultHandler, await findMonitorCgroup());
}
