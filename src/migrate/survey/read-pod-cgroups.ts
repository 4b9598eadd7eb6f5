import type { HostRoot } from "../host/host-root.ts";
import type { HostSurvey } from "./host-survey.ts";

const bases = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/memory"];

/** Which driver made the cgroups of the pods that run now; `mismatch` is a systemd name under a cgroupfs parent. */
export async function readPodCgroups(root: HostRoot): Promise<HostSurvey["podCgroups"]> {
  const found: HostSurvey["podCgroups"][number][] = [];
  for (const base of bases) {
    for (const name of await root.list(base)) {
      const value = driverOf(name);
      const path = `${base}/${name}`;
      if (value !== undefined && (await root.find(path))?.kind === "directory") {
        found.push({ value, source: { t: "system", what: path } });
      }
    }
    if (found.length > 0) break;
  }
  return found;
}

function driverOf(name: string): "cgroupfs" | "systemd" | "mismatch" | undefined {
  if (/:cri-containerd:|:docker:/.test(name)) return "mismatch";
  if (name === "kubepods.slice") return "systemd";
  return name === "kubepods" ? "cgroupfs" : undefined;
}
