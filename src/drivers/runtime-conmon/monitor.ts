import { spawn, type ChildProcess } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import { childEnvironment, globalArguments, type RuntimeBinary } from "./runtime-binary.ts";
import { toRuntimeError } from "#core/tasks/to-runtime-error.ts";

export type MonitorRequest = {
  readonly conmonPath: string;
  readonly binary: RuntimeBinary;
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
  const child = spawnConmon(request);
  const sync = pipeOf(child, 3);
  const ended = Promise.withResolvers<number | undefined>();
  const first = Promise.withResolvers<Message | undefined>();
  readMessages(sync, first.resolve, ended.resolve);
  const stderr = collect(child);
  const abort = () => void killMonitor(request.directory, child);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await release(child, request);
    const message = await first.promise;
    signal.throwIfAborted();
    if (message !== undefined && message.data >= 0) return { pid: message.data, ended: ended.promise };
    const what = `${request.binary.name} ${request.beforeExec === undefined ? "create" : "exec"}`;
    const logged = await readFile(join(request.directory, runtimeLog), "utf8").catch(() => "");
    throw toRuntimeError(logged === "" ? (message?.message ?? (await stderr)) : logged, what, request.command);
  } catch (error) {
    sync.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    sync.unref();
  }
}

/** Where the runtime says what is wrong: with a terminal its stderr is not heard. */
export const runtimeLog = "runtime.log";

function spawnConmon(request: MonitorRequest): ChildProcess {
  const runtimeArguments = globalArguments({ ...request.binary, systemdCgroup: false });
  const args = [
    "--api-version",
    "--full-attach",
    "--no-sync-log",
    "--log-level=error",
    `--cid=${request.name}`,
    `--cuuid=${request.name}`,
    `--runtime=${request.binary.path}`,
    "--bundle",
    request.directory,
    `--container-pidfile=${join(request.directory, "pid")}`,
    `--conmon-pidfile=${join(request.directory, "monitor.pid")}`,
    `--runtime-arg=--log=${join(request.directory, runtimeLog)}`,
    ...runtimeArguments.map((argument) => `--runtime-arg=${argument}`),
    ...(request.binary.systemdCgroup ? ["--systemd-cgroup"] : []),
    ...request.arguments,
  ];
  const attached = request.beforeExec !== undefined;
  const env = {
    ...childEnvironment,
    _OCI_SYNCPIPE: "3",
    ...(needsStartPipe(request) && { _OCI_STARTPIPE: "4" }),
    ...(attached && { _OCI_ATTACHPIPE: "5" }),
  };
  const pipes = attached
    ? (["pipe", "pipe", "pipe"] as const)
    : needsStartPipe(request)
      ? (["pipe", "pipe"] as const)
      : (["pipe"] as const);
  const child = spawn(request.conmonPath, args, {
    cwd: request.directory,
    env,
    stdio: ["ignore", "ignore", "pipe", ...pipes],
  });
  child.on("error", () => {});
  return child;
}

function needsStartPipe(request: MonitorRequest): boolean {
  return request.cgroupFiles.length > 0 || request.beforeExec !== undefined;
}

/** Conmon waits on the start pipe: once before it forks, so that it can be moved, and once more before an attached exec. */
async function release(child: ChildProcess, request: MonitorRequest): Promise<void> {
  if (!needsStartPipe(request)) return;
  const start = pipeOf(child, 4);
  start.on("error", () => {});
  await Promise.all(request.cgroupFiles.map((file) => writeFile(file, String(child.pid))));
  start.write("0");
  if (request.beforeExec === undefined) return void start.end();
  const ready = Promise.withResolvers<void>();
  pipeOf(child, 5).once("data", ready.resolve).once("close", ready.resolve).once("error", ready.resolve);
  await ready.promise;
  await request.beforeExec();
  start.end("0");
}

function pipeOf(child: ChildProcess, at: number): Socket {
  const pipe = child.stdio[at];
  if (pipe instanceof Socket) return pipe;
  throw new EngineError("internal", `conmon: could not be started`);
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

async function collect(child: ChildProcess): Promise<string> {
  let text = "";
  const done = Promise.withResolvers<void>();
  child.stderr?.on("data", (chunk: Buffer) => (text = (text + chunk.toString()).slice(0, 16_384)));
  child.stderr?.on("close", done.resolve);
  child.on("error", (error) => {
    text = error.message;
    done.resolve();
  });
  await done.promise;
  return text;
}

/** The runtime that conmon started dies with it (PDEATHSIG). */
async function killMonitor(directory: string, child: ChildProcess): Promise<void> {
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
