import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listProcessesIn } from "./cgroup-paths.ts";
import { findProcess, signalProcess } from "./process-identity.ts";

const SIGKILL = 9;

/**
 * Removes a cgroup that a runtime, killed halfway, made and keeps no record of, with what runs in it. `config` is the
 * bundle's `config.json`; a systemd scope is left to systemd, which removes it when it is empty.
 */
export async function removeAbandonedCgroup(config: string, containerId: string): Promise<void> {
  const path = await cgroupsPathIn(config);
  const parts = path?.split("/").filter((part) => part !== "") ?? [];
  // A parent and a name with the id: anything else could be a cgroup that others share.
  if (path === undefined || !path.startsWith("/") || parts.length < 2 || parts.includes("..")) return;
  if (parts.at(-1)?.includes(containerId) !== true) return;
  const hierarchies = ["", ...(await readdir("/sys/fs/cgroup").catch(() => []))];
  for (const hierarchy of hierarchies) await removeTree(join("/sys/fs/cgroup", hierarchy, path));
}

async function cgroupsPathIn(config: string): Promise<string | undefined> {
  try {
    const spec: unknown = JSON.parse(await readFile(config, "utf8"));
    if (typeof spec !== "object" || spec === null || !("linux" in spec)) return undefined;
    const { linux } = spec;
    if (typeof linux !== "object" || linux === null || !("cgroupsPath" in linux)) return undefined;
    return typeof linux.cgroupsPath === "string" ? linux.cgroupsPath : undefined;
  } catch {
    return undefined;
  }
}

/** A killed process leaves its cgroup a moment later. */
async function removeTree(directory: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const pids = await listProcessesIn(directory);
    if (pids.includes(process.pid)) return;
    for (const pid of pids) {
      const found = await findProcess(pid);
      if (found !== undefined) await signalProcess(found, SIGKILL);
    }
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return;
    for (const entry of entries) if (entry.isDirectory()) await rmdir(join(directory, entry.name)).catch(() => {});
    if (
      await rmdir(directory).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(10);
  }
}
