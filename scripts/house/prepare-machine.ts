import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

/**
 * Makes a machine without systemd usable for containers, as an init system would have: cgroup controllers mounted.
 *
 * crun 1.8 refuses a hybrid layout in which the unified tree holds a controller (`hugetlb`); mounting that controller
 * as version 1 takes it off the unified tree.
 */
export function prepareMachine(): void {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const hybrid = mounts.includes("/sys/fs/cgroup/unified ");
  const hugetlb = "/sys/fs/cgroup/hugetlb";
  if (!hybrid || mounts.includes(`${hugetlb} `) || !existsSync("/sys/fs/cgroup/unified/cgroup.controllers")) return;
  if (!readFileSync("/sys/fs/cgroup/unified/cgroup.controllers", "utf8").includes("hugetlb")) return;
  mkdirSync(hugetlb, { recursive: true });
  spawnSync("mount", ["-t", "cgroup", "-o", "hugetlb", "cgroup", hugetlb], { stdio: "ignore" });
}
