import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JsonReader } from "../json-reader.ts";

const mountPoint = "/sys/fs/cgroup";
const maxConfigBytes = 4 * 1024 * 1024;
/** What a killed process may take to leave its cgroup. */
const tries = 100;
const waitMs = 10;

/**
 * Removes the cgroup, with what runs in it, that an OCI runtime made and keeps no record of: it was killed halfway, or
 * its caller was. `config` is the path of the bundle's `config.json`. A systemd scope is left to systemd, which removes
 * it when it is empty.
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

async function removeTree(directory: string): Promise<void> {
  for (let left = tries; left > 0; left--) {
    const pids = await pidsIn(directory);
    if (pids.includes(process.pid)) return;
    for (const pid of pids) killIfThere(pid);
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return;
    for (const entry of entries) if (entry.isDirectory()) await removeTree(join(directory, entry.name));
    if (await isRemoved(directory)) return;
    await sleep(waitMs);
  }
}

/** Zero stands for a process that this daemon's own pid namespace does not show; to signal it would be to signal ourselves. */
async function pidsIn(directory: string): Promise<number[]> {
  const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  return text
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 1);
}

async function isRemoved(directory: string): Promise<boolean> {
  return await rmdir(directory).then(
    () => true,
    () => false,
  );
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in between.
  }
}
