import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JsonReader } from "#base/json-reader.ts";

const mountPoint = "/sys/fs/cgroup";
const maxConfigBytes = 4 * 1024 * 1024;

/**
 * Removes the cgroup, with what runs in it, that a runtime made and keeps no record of: a shim kills its runtime halfway
 * when the daemon that asked for a container is killed. A systemd scope is left to systemd, which removes it when empty.
 */
export async function removeAbandonedCgroup(config: string, containerId: string): Promise<void> {
  const path = await cgroupsPathIn(config);
  const parts = path?.split("/").filter((part) => part !== "") ?? [];
  // A parent and a name with the id: anything else could be a cgroup that others share.
  if (path === undefined || !path.startsWith("/") || parts.length < 2 || parts.includes("..")) return;
  if (parts.at(-1)?.includes(containerId) !== true) return;
  for (const hierarchy of ["", ...(await readdir(mountPoint).catch(() => []))])
    await removeTree(join(mountPoint, hierarchy, path));
}

async function cgroupsPathIn(config: string): Promise<string | undefined> {
  try {
    const spec = JsonReader.parse(await readFile(config), config, maxConfigBytes);
    return spec.at("linux").at("cgroupsPath").optionalString();
  } catch {
    return undefined;
  }
}

/** A killed process leaves its cgroup a moment later. */
async function removeTree(directory: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return;
    const pids = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
    for (const pid of pids.split("\n").filter((line) => line !== "")) killIfThere(Number(pid));
    for (const entry of entries) if (entry.isDirectory()) await removeTree(join(directory, entry.name));
    await rmdir(directory).catch(() => {});
    await sleep(5);
  }
}

/** Zero stands for a process that this daemon's own pid namespace does not show. */
function killIfThere(pid: number): void {
  if (pid <= 1 || pid === process.pid) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in between.
  }
}
