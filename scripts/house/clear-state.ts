import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Leaves of a state directory what a reboot leaves: its processes die, its mounts and files are gone. */
export async function clearState(state: string): Promise<void> {
  for (const pid of await processesOf(state)) tryKill(pid);
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  for (const point of mounts.filter((point) => point.startsWith(`${state}/`)).reverse())
    await execute("umount", ["-l", point]);
  await rm(state, { recursive: true, force: true });
}

/** Monitors that name the directory, and all they started. */
async function processesOf(state: string): Promise<number[]> {
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const entry of await readdir("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    if (line.includes(`${state}/`)) found.add(pid);
  }
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
