import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { findProcess, isAlive, signalProcess, type ProcessIdentity } from "./process-identity.ts";
import type { TaskPaths } from "./task-paths.ts";

const SIGKILL = 9;

/** Kills the monitor of a bundle, if it is one, and waits until it has gone. */
export async function killMonitorOf(paths: TaskPaths): Promise<void> {
  const monitor = await findMonitor(paths);
  if (monitor === undefined) return;
  await signalProcess(monitor, SIGKILL);
  for (let tries = 0; tries < 200 && isAlive(await findProcess(monitor.pid)); tries++) await sleep(5);
}

/** The live monitor of a bundle: known by its command line, which names the bundle. */
export async function findMonitor(paths: TaskPaths): Promise<ProcessIdentity | undefined> {
  const pid = Number(await readFile(paths.monitorPid, "utf8").catch(() => "0"));
  if (!(pid > 1)) return undefined;
  const [stat, commandLine] = await Promise.all([
    findProcess(pid),
    readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
  ]);
  return isAlive(stat) && commandLine.split("\0").includes(paths.bundle) ? stat : undefined;
}
