import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { OciProcess } from "#core/tasks/oci-spec.ts";
import type { ExecProcess, Task, TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import { featuresOf, findUser } from "./collect-spec-facts.ts";
import { publishContainer } from "./container-event.ts";
import { rootfsDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import type { ExecRecord } from "./exec-registry.ts";
import { getTask } from "./find-task.ts";
import { mergeEnv } from "./merge-image-config.ts";
import { toOciProcess } from "./oci-spec/to-oci-spec.ts";
import { toStartFailure } from "./start-error.ts";

export type CreateExecRequest = {
  readonly container: string;
  /** Not empty. */
  readonly args: readonly string[];
  /** `KEY=value`, on top of the container's. */
  readonly env: readonly string[];
  /** Empty: the container's. */
  readonly user: string;
  /** Empty: the container's. */
  readonly workdir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
};

export type StartExecRequest = {
  readonly execId: string;
  /** Streams are not wanted; whatever the exec was created with is ignored then. */
  readonly detach: boolean;
  readonly size?: TerminalSize;
};

/**
 * Prepares a further process in a running container. Publishes `exec_create: <command>`.
 *
 * @throws conflict when the container does not run or is paused
 */
export async function createExec(call: Call, engine: Engine, request: CreateExecRequest): Promise<ExecRecord> {
  if (request.args.length === 0) throw new EngineError("invalidArgument", "No exec command specified");
  engine.runtime.expect();
  const container = await engine.containers.resolve(call, request.container);
  await getRunningTask(call, engine, container);
  const { args, env, user, workdir, tty, privileged, attach } = request;
  const record: ExecRecord = {
    id: randomBytes(32).toString("hex"),
    namespace: container.namespace,
    containerId: container.id,
    args,
    env,
    user,
    workdir,
    tty,
    privileged,
    attach,
    state: "created",
    pid: 0,
    exitCode: undefined,
    process: undefined,
  };
  engine.execs.add(record);
  publishContainer(engine, container, `exec_create: ${args.join(" ")}`, { execID: record.id });
  return record;
}

/**
 * Runs a prepared exec; the caller disposes the streams, which are there unless `detach`.
 *
 * Publishes `exec_start: <command>`, and `exec_die` at its end.
 *
 * @throws notFound @throws conflict when it ran already or the container has stopped
 * @throws invalidArgument when the command is missing (the record says 127) or cannot be executed (126)
 */
export async function startExec(
  call: Call,
  engine: Engine,
  request: StartExecRequest,
): Promise<{ exec: ExecRecord; streams?: TaskStreams }> {
  const record = engine.execs.get(call.namespace, request.execId);
  if (record.state !== "created") {
    const what = record.state === "running" ? "is already running" : "has already run";
    throw new EngineError("conflict", `exec command ${record.id} ${what}`);
  }
  const container = await engine.containers.get(call, record.containerId);
  const task = await getRunningTask(call, engine, container);
  // From here on nobody else starts it.
  engine.execs.patch(record.id, { state: "running" });
  const process = await launch(call, engine, { container, task, record, request });
  engine.execs.patch(record.id, { process, pid: process.pid });
  publishContainer(engine, container, `exec_start: ${record.args.join(" ")}`, { execID: record.id });
  engine.supervisor.spawn(container, "exec", async (own) => {
    const { exitCode } = await process.wait(own);
    engine.execs.patch(record.id, { state: "exited", exitCode });
    publishContainer(engine, container, "exec_die", { execID: record.id, exitCode: String(exitCode) });
  });
  const exec = engine.execs.get(call.namespace, record.id);
  return process.streams === undefined ? { exec } : { exec, streams: process.streams };
}

/**
 * Sets the size of an exec's terminal.
 *
 * @throws notFound @throws conflict when it does not run
 */
export async function resizeExec(call: Call, engine: Engine, execId: string, size: TerminalSize): Promise<void> {
  const { process, state } = engine.execs.get(call.namespace, execId);
  if (state !== "running" || process === undefined) {
    throw new EngineError("conflict", `exec ${execId} is not running`);
  }
  await process.resize(call, size);
}

/** What is known of an exec, `pid` and exit code as they are now. @throws notFound */
export function inspectExec(call: Call, engine: Pick<Engine, "execs">, execId: string): ExecRecord {
  return engine.execs.get(call.namespace, execId);
}

/** Execs of a container, ended ones too for a while. */
export function listExecs(call: Call, engine: Pick<Engine, "execs">, containerId: ContainerId): ExecRecord[] {
  return engine.execs.list(call.namespace, containerId);
}

type Launch = { container: Container; task: Task; record: ExecRecord; request: StartExecRequest };

async function launch(call: Call, engine: Engine, { container, task, record, request }: Launch): Promise<ExecProcess> {
  const { detach, size } = request;
  const none = { stdin: false, stdout: false, stderr: false };
  const wanted = detach ? none : record.attach;
  const attach = size === undefined ? wanted : { ...wanted, size };
  try {
    const process = await execProcess(call, engine, { container, task, record });
    const spec = { execId: record.id, process, stdin: wanted.stdin };
    return await task.exec(call, spec, attach);
  } catch (cause) {
    const { exitCode, error } = toStartFailure(cause);
    engine.execs.patch(record.id, { state: "exited", exitCode });
    throw error;
  }
}

/** As the container's own process, with what the exec asks for on top. */
async function execProcess(
  call: Call,
  engine: Engine,
  { container, task, record }: Pick<Launch, "container" | "task" | "record">,
): Promise<OciProcess> {
  const { args, env, user, workdir, tty, privileged } = record;
  const { config } = container;
  const own = {
    ...config,
    args,
    env: mergeEnv(config.env, env),
    user: user === "" ? config.user : user,
    workdir: workdir === "" ? config.workdir : workdir,
    tty,
    init: false,
    privileged: privileged || config.privileged,
  };
  const rootPath = rootfsDirectory(engine, container);
  return toOciProcess(own, {
    containerId: container.id,
    host: engine.settings.host,
    runtime: featuresOf(engine, container),
    rootPath,
    user: await findUser(call, engine, own, mountsUserFiles(config) ? `/proc/${task.pid}/root` : rootPath),
    linuxNamespacePaths: {},
    etcFiles: {},
    volumePaths: new Map(config.mounts.map(({ destination }) => [destination, "/"])),
    devices: [],
    blockDevices: new Map(),
    defaultCgroupParent: engine.settings.cgroupParent,
  });
}

/**
 * Whether the users of a container are in files that its config mounts. They are read through its own mounts then; not
 * otherwise, since what a container mounts by itself (FUSE) could hold up whoever reads it.
 */
function mountsUserFiles({ mounts }: Container["config"]): boolean {
  const files = ["/etc/passwd", "/etc/group"];
  return mounts.some(({ destination }) => files.some((file) => `${file}/`.startsWith(join(destination, "/"))));
}

async function getRunningTask(call: Call, engine: Engine, container: Container): Promise<Task> {
  if (container.status.state === "paused") {
    throw new EngineError("conflict", `Container ${container.id} is paused, unpause the container before exec`);
  }
  if (container.status.state === "restarting") {
    throw new EngineError("conflict", `Container ${container.id} is restarting, wait until the container is running`);
  }
  return await getTask(call, engine, container);
}
