import { execFile, spawn, type ChildProcess } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a command to its end. @throws with its stderr when it fails */
export async function command(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const [file = "", ...args] = argv;
  const { stdout } = await execute(file, args, { env, maxBuffer: 1 << 26 });
  return stdout;
}

/** Milliseconds that a command takes from the shell's point of view. */
export async function timeCommand(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<number> {
  const start = performance.now();
  await command(argv, env);
  return performance.now() - start;
}

/** Starts a daemon and waits until `ready` holds; ended by SIGTERM and, after ten seconds, SIGKILL. */
export async function startDaemon(
  argv: readonly string[],
  ready: () => Promise<boolean>,
  options: { env?: NodeJS.ProcessEnv; log: number },
): Promise<AsyncDisposable & { pid: number }> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { env: options.env, stdio: ["ignore", options.log, options.log] });
  for (let tries = 0; !(await ready().catch(() => false)); tries++) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode} before it was ready`);
    if (tries > 1200) throw new Error(`${file} is not ready after two minutes`);
    await sleep(100);
  }
  return { pid: child.pid ?? 0, [Symbol.asyncDispose]: () => endProcess(child) };
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(timer);
}

/** Pids whose command line contains `text`. */
export async function findProcesses(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (line.includes(text)) found.push(Number(entry));
  }
  return found;
}

/** Proportional set size of processes together, in MiB. Source: proc(5), smaps_rollup. */
export async function pssMiB(pids: readonly number[]): Promise<number> {
  let kilobytes = 0;
  for (const pid of pids) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
    kilobytes += Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  }
  return kilobytes / 1024;
}

/** Memory that a process has to itself, which no other process's coming or going changes. Source: proc_pid_status(5). */
export async function anonymousMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

/**
 * Processor time of processes so far, with that of the children they have waited for, in seconds. Source: proc_pid_stat(5);
 * Linux counts in hundredths here on every architecture.
 */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks / 100;
}

/** Takes away the mounts that a stopped engine left below `directory`. */
export async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  for (const path of mounts.filter((path) => path.startsWith(`${directory}/`)).reverse())
    await command(["umount", "-l", path]);
}
