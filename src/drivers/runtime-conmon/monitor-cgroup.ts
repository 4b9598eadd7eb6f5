import { access, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCgroupPaths } from "./cgroup-paths.ts";

/**
 * `cgroup.procs` files that monitors are moved to, where the daemon is a systemd service: systemd ends everything in a
 * service's cgroup, and monitors must live on. Elsewhere none: they are left where they are.
 */
export async function findMonitorCgroup(): Promise<string[]> {
  const text = await readFile("/proc/self/cgroup", "utf8");
  if (!/\.(service|scope)(\/|$)/m.test(text)) return [];
  const paths = parseCgroupPaths(text);
  const roots = paths.version === 2 ? [""] : ["systemd", "unified"];
  const files: string[] = [];
  for (const root of roots) {
    const directory = join("/sys/fs/cgroup", root, "ferry-monitors");
    if (
      !(await access(join("/sys/fs/cgroup", root, "cgroup.procs")).then(
        () => true,
        () => false,
      ))
    )
      continue;
    await mkdir(directory, { recursive: true });
    files.push(join(directory, "cgroup.procs"));
  }
  return files;
}
