import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCgroupPaths, processListPath } from "./cgroup-paths.ts";

/**
 * Has the kernel ready by the time that a process is moved to a cgroup.
 *
 * The first move after a pause waits for a grace period of RCU, 8 to 15 ms, in which readers of a lock learn that there is
 * a writer; those that follow within another one do not wait. A runtime makes its first move a while after it is started,
 * so a move before that, of this process to where it is already, takes the wait out of its way. Source: Linux
 * kernel/cgroup/cgroup.c (`cgroup_threadgroup_rwsem`), kernel/rcu/sync.c.
 */
export class CgroupMoves {
  #beginning = false;

  /** Nothing depends on it: a failure means that the runtime waits for itself. */
  begin(): void {
    if (this.#beginning) return;
    this.#beginning = true;
    void moveNowhere()
      .catch(() => {})
      .finally(() => (this.#beginning = false));
  }
}

/** Moves this process to the cgroup it is in, looked up each time: somebody may have moved it, and it must not go back. */
export async function moveNowhere(): Promise<void> {
  const paths = parseCgroupPaths(await readFile("/proc/self/cgroup", "utf8"));
  const directory = processListPath(paths);
  // "0": the writer. Not to be made where no such cgroup is mounted.
  if (directory !== undefined) await writeFile(join(directory, "cgroup.procs"), "0", { flag: "r+" });
}
