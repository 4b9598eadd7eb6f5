import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Directories of a process's cgroups: one on v2, one for each controller on v1 (`systemd` and `unified` among them). */
export type CgroupPaths =
  | { readonly version: 1; readonly controllers: ReadonlyMap<string, string> }
  | { readonly version: 2; readonly path: string };

const mountPoint = "/sys/fs/cgroup";

/**
 * Of a container's process; undefined when it has gone. A process that has ended and is not reaped yet is seen in the
 * root, with everything else on the machine: that is never a container's, and never to be acted on.
 */
export async function findCgroupPaths(pid: number): Promise<CgroupPaths | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => undefined);
  const paths = text === undefined ? undefined : parseCgroupPaths(text);
  return paths === undefined || isRoot(paths) ? undefined : paths;
}

function isRoot(paths: CgroupPaths): boolean {
  const directory = processListPath(paths);
  return (
    directory === undefined || directory.slice(mountPoint.length).split("/").filter(Boolean).length < listDepth(paths)
  );
}

/** On v1 the controller's name comes before the path. */
function listDepth(paths: CgroupPaths): number {
  return paths.version === 2 ? 1 : 2;
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

/** Directory of a `cgroup.procs` that is written to and read from. */
export function processListPath(paths: CgroupPaths): string | undefined {
  const names = ["pids", "devices", "freezer", "memory", "systemd"];
  return names.map((name) => controllerPath(paths, name)).find((path) => path !== undefined);
}

/**
 * Pids in the container's cgroup and below it, in the host's view.
 *
 * Only of a directory that carries the container's id: what is listed here may be killed.
 */
export async function listPids(paths: CgroupPaths, containerId: string): Promise<number[]> {
  const directory = processListPath(paths);
  return directory?.includes(containerId) === true ? await listProcessesIn(directory) : [];
}

/** Pids in a cgroup's directory and below; none when it is not there. */
async function listProcessesIn(directory: string): Promise<number[]> {
  const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  const own = text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => listProcessesIn(join(directory, entry.name))),
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
