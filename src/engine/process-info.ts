import { readFile, readlink } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";

/** One process as /proc tells it. Source: proc(5). */
export type ProcessInfo = {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly uid: number;
  readonly gid: number;
  readonly state: string;
  readonly tty: string;
  readonly nice: number;
  readonly threads: number;
  /** User and system together. */
  readonly cpuSeconds: number;
  readonly startedAtMs: number;
  readonly rssKib: number;
  readonly vszKib: number;
  readonly comm: string;
  /** Command line; the name in brackets where there is none. */
  readonly args: string;
};

export type BootFacts = { readonly bootedAtMs: number; readonly memoryKib: number };

/** The kernel's USER_HZ, the same on every architecture that Node runs on. */
const ticksPerSecond = 100;
const pageKib = 4;

export async function readBootFacts(): Promise<BootFacts> {
  const [stat, memory] = await Promise.all([readFile("/proc/stat", "utf8"), readFile("/proc/meminfo", "utf8")]);
  return {
    bootedAtMs: Number(/^btime (\d+)/m.exec(stat)?.[1] ?? 0) * 1000,
    memoryKib: Number(/^MemTotal:\s+(\d+)/m.exec(memory)?.[1] ?? 0),
  };
}

/** Undefined when the process has gone. */
export async function readProcess(pid: number, { bootedAtMs }: BootFacts): Promise<ProcessInfo | undefined> {
  try {
    const [stat, status, commandLine, tty] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/status`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
      readTerminal(pid),
    ]);
    // The name is in parentheses and may hold any character, parentheses too.
    const close = stat.lastIndexOf(")");
    const comm = stat.slice(stat.indexOf("(") + 1, close);
    const fields = stat.slice(close + 2).split(" ");
    const number = (index: number) => Number(fields[index - 3] ?? 0);
    return {
      pid,
      ppid: number(4),
      pgid: number(5),
      sid: number(6),
      uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? 0),
      gid: Number(/^Gid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? 0),
      state: fields[0] ?? "?",
      tty: number(7) === 0 ? "?" : tty,
      nice: number(19),
      threads: number(20),
      cpuSeconds: (number(14) + number(15)) / ticksPerSecond,
      startedAtMs: bootedAtMs + (number(22) / ticksPerSecond) * 1000,
      vszKib: Math.floor(number(23) / 1024),
      rssKib: number(24) * pageKib,
      comm,
      args: commandLine.replace(/\0+$/, "").replaceAll("\0", " ") || `[${comm}]`,
    };
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH") return undefined;
    throw error;
  }
}

/** Name of the terminal on standard input, as good a guess as any: /proc has only its device number. */
async function readTerminal(pid: number): Promise<string> {
  const target = await readlink(`/proc/${pid}/fd/0`).catch(() => "");
  return target.startsWith("/dev/") && target !== "/dev/null" ? target.slice(5) : "?";
}
