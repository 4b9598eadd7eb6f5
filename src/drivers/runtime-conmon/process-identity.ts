import { readFile } from "node:fs/promises";
import { closeFd, openPidFd, signalPidFd } from "./syscalls.ts";

/** A process that cannot be mistaken for a later one of the same pid. */
export type ProcessIdentity = { readonly pid: number; readonly startTicks: string };

export type ProcessStat = ProcessIdentity & { readonly parentPid: number; readonly state: string };

/** From /proc/<pid>/stat; undefined when there is no such process. Source: proc_pid_stat(5). */
export async function findProcess(pid: number): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

/** The name in brackets may hold anything, brackets and spaces too. */
export function parseStat(text: string): ProcessStat | undefined {
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent, startTicks] = [fields[0], fields[1], fields[19]];
  if (Number.isNaN(pid) || state === undefined || startTicks === undefined) return undefined;
  return { pid, state, parentPid: Number(parent), startTicks };
}

/** Whether it runs: a zombie does not. */
export function isAlive(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X";
}

/** Signals this very process; false when it has ended. */
export async function signalProcess(process: ProcessIdentity, signal: number): Promise<boolean> {
  const fd = openPidFd(process.pid);
  if (fd === undefined) return false;
  try {
    const now = await findProcess(process.pid);
    return now?.startTicks === process.startTicks && signalPidFd(fd, signal);
  } finally {
    closeFd(fd);
  }
}
