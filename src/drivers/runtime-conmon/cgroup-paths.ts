import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Directories of a process's cgroups: one on v2, one for each controller on v1 (`systemd` and `unified` among them). */
export type CgroupPaths =
  | { readonly version: 1; readonly controllers: ReadonlyMap<string, string> }
  | { readonly version: 2; readonly path: string };

const mountPoint = "/sys/fs/cgroup";

/** Of a process; undefined when it has gone. */
export async function findCgroupPaths(pid: number): Promise<CgroupPaths | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseCgroupPaths(text);
}

/** `5:cpu,cpuacct:/a/b` lines; `0::/a/b` is v2, or the unified tree of a hybrid. Source: cgroups(7). */
export function parseCgroupPaths(text: string): CgroupPaths {
  const controllers = new Map<string, string>();
  let unified = "/";
  for (const line of text.split("\n")) {
    const [number, names = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (number === "0" && names === "") unified = path;
    else if (path !== "")
      for (const name of names.split(",")) {
        const directory = name.replace(/^name=/, "");
        controllers.set(directory, join(mountPoint, directory, path));
      }
  }
  if (controllers.size === 0) return { version: 2, path: join(mountPoint, unified) };
  controllers.set("unified", join(mountPoint, "unified", unified));
  return { version: 1, controllers };
}

/** Directory for a controller, or for any that lists all processes. */
export function controllerPath(paths: CgroupPaths, controller: string): string | undefined {
  return paths.version === 2 ? paths.path : paths.controllers.get(controller);
}

/**
 * Pids in the container's cgroup and below it, in the host's view.
 *
 * Only of a directory that carries the container's id: a process that has just ended is shown in the root cgroup, and
 * below that is the whole machine. What is listed here may be killed.
 */
export async function listPids(paths: CgroupPaths, containerId: string): Promise<number[]> {
  const names = ["pids", "memory", "devices", "freezer", "systemd"];
  const directory = names.map((name) => controllerPath(paths, name)).find((path) => path?.includes(containerId));
  return directory === undefined ? [] : await pidsBelow(directory);
}

async function pidsBelow(directory: string): Promise<number[]> {
  const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  const own = text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => pidsBelow(join(directory, entry.name))),
  );
  return [...own, ...below.flat()];
}

/** Whether the freezer holds it. */
export async function isFrozen(paths: CgroupPaths): Promise<boolean> {
  const [name, frozen] = paths.version === 2 ? ["cgroup.freeze", "1"] : ["freezer.state", "FROZEN"];
  const directory = controllerPath(paths, "freezer");
  if (directory === undefined) return false;
  const text = await readFile(join(directory, name), "utf8").catch(() => "");
  return text.trim() === frozen || text.trim() === "FREEZING";
}
