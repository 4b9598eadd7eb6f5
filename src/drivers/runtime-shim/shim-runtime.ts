import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { directoriesIn } from "#base/directories-in.ts";
import { EngineError, isKind, messageOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import { detachedCall, type Call, type Namespace } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import { pickHandler } from "#core/tasks/pick-handler.ts";
import type { Runtime, RuntimeFeatures, Task, TaskRef, TaskSpec } from "#core/tasks/runtime.ts";
import { removeBundle, stdioOf, writeBundle } from "./bundle-files.ts";
import { bundlePathOf, bundlePaths, type BundlePaths } from "./bundle-paths.ts";
import { LogFile, makeLog } from "./log-file.ts";
import { ProcessOutput } from "./process-output.ts";
import { toShimError } from "./shim-errors.ts";
import { serveShimEvents } from "./shim-events.ts";
import { removeAbandonedCgroup } from "#base/processes/remove-abandoned-cgroup.ts";
import { openHandler, type ShimHandler, type ShimHandlerConfig } from "./shim-handler.ts";
import { findAddress, killProcessesIn, startShim, type ShimInvocation } from "./shim-process.ts";
import { readExit, readPid, readRecord, toShimRecord, type ShimRecord } from "./shim-record.ts";
import { forgetTask, removeAfterShim } from "./forget-task.ts";
import { ShimTask } from "./shim-task.ts";
import { TaskClient, type ShimAddress } from "./task-client.ts";
import type { TtrpcServer } from "./ttrpc-server.ts";

export type ShimRuntimeOptions = {
  readonly stateDirectory: string;
  readonly log: Logger;
  readonly handlers: Readonly<Record<string, ShimHandlerConfig>>;
  /** Longest line of a log that is not cut into pieces. Default: 16 KiB. */
  readonly maxLogLineBytes?: number;
};

type Found = { readonly ref: TaskRef; readonly record: ShimRecord; readonly paths: BundlePaths };

/** How long the `start` of a shim, begun by a daemon that was killed, may take to say where the shim is. */
const addressTries = 40;
const addressWaitMs = 25;
/** As containerd has it. */
const defaultMaxLineBytes = 16 * 1024;
/** How long a killed process of a half-made task may take. */
const politeWaitMs = 5_000;

/** Tasks under containerd's shims; see README.md. Made by {@link openShimRuntime}, disposed by its maker: tasks run on. */
export class ShimRuntime implements Runtime, AsyncDisposable {
  readonly #options: ShimRuntimeOptions;
  readonly #handlers: ReadonlyMap<string, ShimHandler>;
  readonly #tasks = new Map<string, ShimTask>();
  readonly #beingMade = new Set<string>();
  #events: TtrpcServer | undefined;

  constructor(options: ShimRuntimeOptions, handlers: ReadonlyMap<string, ShimHandler>) {
    this.#options = options;
    this.#handlers = handlers;
  }

  get defaultHandler(): string {
    return [...this.#handlers.keys()][0] ?? "";
  }

  features(): readonly RuntimeFeatures[] {
    return [...this.#handlers.values()].map(({ features }) => features);
  }

  bundlePath(ref: TaskRef): string {
    return bundlePathOf(this.#options.stateDirectory, ref);
  }

  /** Takes shims' events from now on. */
  async listen(): Promise<void> {
    this.#events = await serveShimEvents(this.#eventsPath, {
      oom: (ref) => this.#tasks.get(nameOf(ref))?.noteOom(),
      exit: (ref, exit) => void this.#tasks.get(nameOf(ref))?.finish(exit),
    });
  }

  /** What there is to do is done once for the machine, by the runtime that shims are used beside. */
  expect(): void {}

  async create(call: Call, spec: TaskSpec): Promise<Task> {
    const handler = pickHandler(this.#handlers, spec.runtimeHandler ?? this.defaultHandler);
    const name = nameOf(spec);
    if (this.#tasks.has(name) || this.#beingMade.has(name))
      throw new EngineError("alreadyExists", `task ${spec.containerId}: already there`);
    this.#beingMade.add(name);
    try {
      const ref = { namespace: spec.namespace, containerId: spec.containerId };
      const record = toShimRecord(spec, handler.path, handler.options);
      return await this.#create(call, { ref, record, paths: bundlePaths(this.bundlePath(ref)) }, spec);
    } finally {
      this.#beingMade.delete(name);
    }
  }

  async find(_call: Call, ref: TaskRef): Promise<Task | undefined> {
    return this.#tasks.get(nameOf(ref));
  }

  async list(): Promise<TaskRef[]> {
    return [...this.#tasks.values()].map(({ ref }) => ref);
  }

  async recover(call: Call): Promise<void> {
    const shims = join(this.#options.stateDirectory, "shims");
    for (const namespace of await directoriesIn(shims)) {
      for (const id of await directoriesIn(join(shims, namespace))) {
        const ref = { namespace: namespace as Namespace, containerId: id as ContainerId };
        if (!this.#tasks.has(nameOf(ref))) await this.#recoverOne(call, ref);
      }
    }
  }

  async close(): Promise<void> {
    await this.#events?.close();
    await Promise.all([...this.#tasks.values()].map((task) => task.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The record stands before the shim is started; whatever fails, everything is undone. */
  async #create(call: Call, found: Found, spec: TaskSpec): Promise<Task> {
    const { ref, record, paths } = found;
    let client: TaskClient | undefined;
    try {
      await writeBundle(paths, record, spec.spec);
      if (record.logPath !== undefined) await makeLog(record.logPath);
      const address = await startShim(call, this.#invocation(ref, record, paths));
      client = await TaskClient.open(call, address, ref.containerId);
      const stdio = stdioOf(record, paths);
      const pid = await client.create(call, {
        bundle: paths.bundle,
        terminal: record.tty,
        stdio,
        options: record.options,
      });
      await writeFile(paths.created, JSON.stringify({ pid }), { mode: 0o600 });
      const command = spec.spec.process.args[0];
      return await this.#add(call, found, { address, client, pid, started: false, command });
    } catch (error) {
      client?.close();
      await this.#undo(detachedCall(call), found).catch((failure: unknown) =>
        call.log.error({ containerId: ref.containerId }, `undo of create: ${messageOf(failure)}`),
      );
      throw client === undefined ? error : toShimError(error, "create", spec.spec.process.args[0]);
    }
  }

  async #add(
    call: Call,
    { ref, record, paths }: Found,
    live: {
      address: ShimAddress;
      client: TaskClient | undefined;
      pid: number;
      started: boolean;
      command: string | undefined;
    },
  ): Promise<ShimTask> {
    const name = nameOf(ref);
    const output = await this.#openOutput(record, paths);
    const invocation = this.#invocation(ref, record, paths);
    const onDeleted = () => this.#tasks.delete(name);
    const task = new ShimTask(call, { ref, record, paths, invocation, output, ...live, onDeleted });
    this.#tasks.set(name, task);
    return task;
  }

  async #openOutput(record: ShimRecord, paths: BundlePaths): Promise<ProcessOutput> {
    const { logPath, logMaxBytes, logMaxFiles, tty } = record;
    const bounds = {
      ...(logMaxBytes !== undefined && { maxBytes: logMaxBytes }),
      ...(logMaxFiles !== undefined && { maxFiles: logMaxFiles }),
    };
    return await ProcessOutput.open({
      paths: { stdout: paths.stdout, ...(!tty && { stderr: paths.stderr }) },
      logFile:
        logPath === undefined ? undefined : new LogFile({ path: logPath, journalPath: paths.journal, ...bounds }),
      log: this.#options.log,
      maxLineBytes: this.#options.maxLogLineBytes ?? defaultMaxLineBytes,
    });
  }

  async #recoverOne(call: Call, ref: TaskRef): Promise<void> {
    const paths = bundlePaths(this.bundlePath(ref));
    const record = await readRecord(paths.record, call.log);
    if (record === undefined) return await removeBundle(paths);
    const found = { ref, record, paths };
    const pid = await readPid(paths.created);
    if (pid !== undefined) return await this.#takeUp(call, found, pid);
    call.log.info({ containerId: ref.containerId }, "clears a half-made task");
    await this.#undoPolitely(detachedCall(call), found);
  }

  async #takeUp(call: Call, found: Found, pid: number): Promise<void> {
    const { ref, record, paths } = found;
    await rm(paths.execs, { recursive: true, force: true });
    const address = (await findAddress(paths.bundle)) ?? { address: "", version: 2 };
    const client = await connectIfThere(call, address, ref.containerId);
    const ended = await readExit(paths.exit);
    const state = ended === undefined ? await client?.state(call).catch(() => undefined) : undefined;
    if (client !== undefined && state !== undefined) {
      const live = { address, client, pid, started: state.state !== "created", command: undefined };
      const task = await this.#add(call, found, live);
      if (state.state === "stopped") await task.finish(state.exit);
      return;
    }
    // Its end was written down, or its shim has died.
    if (client !== undefined) await forgetTask(detachedCall(call), client, address);
    else await removeAfterShim(detachedCall(call), this.#invocation(ref, record, paths), address);
    const task = await this.#add(call, found, { address, client: undefined, pid, started: true, command: undefined });
    await (ended === undefined ? task.monitorEnded() : task.settleAs(ended));
  }

  /** A shim that answers is asked to undo what it did, so that no runtime is killed half-way. */
  async #undoPolitely(call: Call, found: Found): Promise<void> {
    const { ref, paths } = found;
    let address = await findAddress(paths.bundle);
    for (let tries = 0; address === undefined && tries < addressTries; tries++) {
      await sleep(addressWaitMs);
      address = await findAddress(paths.bundle);
    }
    const client = address === undefined ? undefined : await connectIfThere(call, address, ref.containerId);
    if (client !== undefined && address !== undefined) {
      // A create under way holds the shim's lock: this waits for it.
      await client.kill(call, 9).catch(() => {});
      await client.wait(detachedCall(call, politeWaitMs)).catch(() => {});
      await forgetTask(call, client, address);
    }
    await this.#undo(call, found);
  }

  /** The files go last: as long as something else is left, the record is. */
  async #undo(call: Call, { ref, record, paths }: Found): Promise<void> {
    const address = await findAddress(paths.bundle);
    await killProcessesIn(paths.bundle);
    await removeAfterShim(call, this.#invocation(ref, record, paths), address);
    await removeAbandonedCgroup(paths.config, ref.containerId);
    await removeBundle(paths);
  }

  #invocation({ namespace, containerId }: TaskRef, { path }: ShimRecord, { bundle }: BundlePaths): ShimInvocation {
    return { path, namespace, containerId, bundle, eventsAddress: this.#eventsPath };
  }

  get #eventsPath(): string {
    return join(this.#options.stateDirectory, "shim-events.sock");
  }
}

/**
 * Looks for the handlers' shims and opens the driver.
 *
 * @throws failedPrecondition when a shim is not installed
 */
export async function openShimRuntime(options: ShimRuntimeOptions): Promise<ShimRuntime> {
  await mkdir(join(options.stateDirectory, "shims"), { recursive: true, mode: 0o711 });
  const handlers = new Map<string, ShimHandler>();
  for (const [name, config] of Object.entries(options.handlers)) {
    const handler = await openHandler(name, config, options.stateDirectory);
    handlers.set(name, handler);
    const { path, version, reason } = handler.features;
    options.log.info({ runtime: name, path, version }, reason);
  }
  const runtime = new ShimRuntime(options, handlers);
  await runtime.listen();
  return runtime;
}

/** Ids are unique in a namespace only, and hold no slash. */
function nameOf({ namespace, containerId }: TaskRef): string {
  return `${namespace}/${containerId}`;
}

async function connectIfThere(call: Call, address: ShimAddress, id: string): Promise<TaskClient | undefined> {
  if (address.address === "") return undefined;
  try {
    return await TaskClient.open(call, address, id);
  } catch (error) {
    if (isKind(error, "unavailable")) return undefined;
    throw error;
  }
}
