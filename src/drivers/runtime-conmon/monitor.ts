import { readFile, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { type RunningChild, startProcess } from "#base/processes/start-process.ts";
import { childEnvironment, globalArguments, type RuntimeBinary } from "./runtime-binary.ts";
import { toRuntimeError } from "#core/tasks/to-runtime-error.ts";
import { closeFd, openPipe } from "./syscalls.ts";

export type MonitorRequest = {
  readonly conmonPath: string;
  readonly binary: RuntimeBinary;
  /** Where the runtime's program is executed: its path, or a copy of it. */
  readonly program: string;
  readonly name: string;
  /** Directory of attach socket and control FIFO; the working directory. */
  readonly directory: string;
  readonly arguments: readonly string[];
  /** Program that is run, for the text of an error. */
  readonly command: string | undefined;
  /** `cgroup.procs` files the monitor is moved to before it does anything. */
  readonly cgroupFiles: readonly string[];
  /** An exec whose output must not be lost: called when the attach socket is there, before the process runs. */
  readonly beforeExec?: () => Promise<void>;
};

/** A running monitor, as far as the pipe between it and this daemon tells. */
export type Monitor = {
  /** Of the container's or exec's first process. */
  readonly pid: number;
  /** An exec's exit code; undefined when the monitor ended without saying. Settles when the monitor has ended. */
  readonly ended: Promise<number | undefined>;
};

type Message = { data: number; message?: string };

/**
 * Starts conmon and waits until it has made the process.
 *
 * The monitor leaves the daemon's session by itself. Its sync pipe stays open: the end of it is the end of the monitor.
 *
 * @throws what `toRuntimeError` makes of the runtime's text
 */
export async function startMonitor(request: MonitorRequest, signal: AbortSignal): Promise<Monitor> {
  signal.throwIfAborted();
  const { child, sync, stderr: stderrPipe, start, attach } = await spawnConmon(request);
  const ended = Promise.withResolvers<number | undefined>();
  const first = Promise.withResolvers<Message | undefined>();
  readMessages(sync, first.resolve, ended.resolve);
  const stderr = collect(stderrPipe);
  const abort = () => void killMonitor(request.directory, child);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await release(request, { child, start, attach });
    const message = await first.promise;
    signal.throwIfAborted();
    if (message !== undefined && message.data >= 0) return { pid: message.data, ended: ended.promise };
    const what = `${request.binary.name} ${request.beforeExec === undefined ? "create" : "exec"}`;
    const logged = await readFile(join(request.directory, runtimeLog), "utf8").catch(() => "");
    throw toRuntimeError(logged === "" ? (message?.message ?? (await stderr)) : logged, what, request.command);
  } catch (error) {
    for (const pipe of [sync, stderrPipe, start, attach]) pipe?.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    sync.unref();
  }
}

/** Where the runtime says what is wrong: with a terminal its stderr is not heard. */
export const runtimeLog = "runtime.log";

/** Conmon, and our ends of the pipes that it was given. */
type Launched = {
  readonly child: RunningChild;
  readonly stderr: Socket;
  readonly sync: Socket;
  readonly start: Socket | undefined;
  readonly attach: Socket | undefined;
};

async function spawnConmon(request: MonitorRequest): Promise<Launched> {
  const runtimeArguments = globalArguments({ ...request.binary, systemdCgroup: false });
  const args = [
    "--api-version",
    "--full-attach",
    "--no-sync-log",
    "--log-level=error",
    `--cid=${request.name}`,
    `--cuuid=${request.name}`,
    `--runtime=${request.program}`,
    "--bundle",
    request.directory,
    `--container-pidfile=${join(request.directory, "pid")}`,
    `--conmon-pidfile=${join(request.directory, "monitor.pid")}`,
    `--runtime-arg=--log=${join(request.directory, runtimeLog)}`,
    ...runtimeArguments.map((argument) => `--runtime-arg=${argument}`),
    ...(request.binary.systemdCgroup ? ["--systemd-cgroup"] : []),
    ...request.arguments,
  ];
  const env = {
    ...childEnvironment,
    _OCI_SYNCPIPE: "3",
    ...(needsStartPipe(request) && { _OCI_STARTPIPE: "4" }),
    ...(request.beforeExec !== undefined && { _OCI_ATTACHPIPE: "5" }),
  };
  const [stderr, sync] = [openPipe(), openPipe()];
  const start = needsStartPipe(request) ? openPipe() : undefined;
  const attach = request.beforeExec === undefined ? undefined : openPipe();
  const theirs = [stderr.write, sync.write, start?.read, attach?.write].filter((fd) => fd !== undefined);
  const ours = {
    stderr: new Socket({ fd: stderr.read, readable: true, writable: false }),
    sync: new Socket({ fd: sync.read, readable: true, writable: false }),
    start: start && new Socket({ fd: start.write, readable: false, writable: true }),
    attach: attach && new Socket({ fd: attach.read, readable: true, writable: false }),
  };
  try {
    const fds = ["null", "null", ...theirs] as const;
    const child = await startProcess({ path: request.conmonPath, args, cwd: request.directory, env, fds });
    return { child, ...ours };
  } catch (error) {
    for (const pipe of Object.values(ours)) pipe?.destroy();
    throw error;
  } finally {
    for (const fd of theirs) closeFd(fd);
  }
}

function needsStartPipe(request: MonitorRequest): boolean {
  return request.cgroupFiles.length > 0 || request.beforeExec !== undefined;
}

/** Conmon waits on the start pipe: once before it forks, so that it can be moved, and once more before an attached exec. */
async function release(
  request: MonitorRequest,
  { child, start, attach }: Pick<Launched, "child" | "start" | "attach">,
): Promise<void> {
  if (start === undefined) return;
  start.on("error", () => {});
  await Promise.all(request.cgroupFiles.map((file) => writeFile(file, String(child.pid))));
  start.write("0");
  if (request.beforeExec === undefined || attach === undefined) return void start.end();
  const ready = Promise.withResolvers<void>();
  attach.once("data", ready.resolve).once("close", ready.resolve).once("error", ready.resolve);
  await ready.promise;
  await request.beforeExec();
  start.end("0");
}

/** First message: the pid, or what went wrong. Second, for an exec: the exit code. */
function readMessages(
  sync: Socket,
  onFirst: (message: Message | undefined) => void,
  onEnd: (code: number | undefined) => void,
): void {
  let seen = 0;
  let exitCode: number | undefined;
  const end = () => {
    onFirst(undefined);
    onEnd(exitCode);
  };
  sync.on("error", end);
  sync.on("close", end);
  let rest = "";
  sync.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const message of lines.map(parseMessage)) {
      if (message === undefined) continue;
      if (seen++ === 0) onFirst(message);
      else exitCode = message.data;
    }
  });
}

function parseMessage(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("data" in value)) return undefined;
    const message = "message" in value && typeof value.message === "string" ? value.message : undefined;
    return { data: Number(value.data), ...(message !== undefined && { message }) };
  } catch {
    return undefined;
  }
}

async function collect(stderr: Socket): Promise<string> {
  let text = "";
  const done = Promise.withResolvers<void>();
  stderr.on("data", (chunk: Buffer) => (text = (text + chunk.toString()).slice(0, 16_384)));
  stderr.on("error", () => {}).on("close", done.resolve);
  await done.promise;
  return text;
}

/** The runtime that conmon started dies with it (PDEATHSIG). */
async function killMonitor(directory: string, child: RunningChild): Promise<void> {
  child.kill("SIGKILL");
  const pid = Number(await readFile(join(directory, "monitor.pid"), "utf8").catch(() => "0"));
  if (pid > 1) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}
