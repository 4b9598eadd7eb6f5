import { findKubeletSetting } from "../../host/read-kubelet.ts";
import { doctorFindings } from "./doctor.ts";
import { fileSource, nodeCheck } from "./node-finding.ts";

/** Source: KEP-5573. */
export const cgroupVersion = nodeCheck(
  { id: "cgroup-version", title: "A node with cgroup v1", severity: "blocker" },
  function* ({ node }, { targetMinor }) {
    if (node.kernel.cgroupVersion !== 1) return;
    const minor = targetMinor ?? node.kubelet.version?.value.minor ?? 0;
    const fails = findKubeletSetting(node.kubelet, { field: "failCgroupV1" });
    const isRefused = minor >= 35 && fails?.value !== "false";
    yield {
      says: "it has cgroup v1",
      severity: isRefused ? "blocker" : "low",
      why: isRefused
        ? "The kubelet from 1.35 on does not start on cgroup v1."
        : "The kubelet refuses cgroup v1 from 1.35 on, unless failCgroupV1 is false.",
      evidence: [fileSource("/sys/fs/cgroup/memory"), ...(fails === undefined ? [] : [fails.source])],
      fix: {
        summary:
          "Boot with cgroup v2: add systemd.unified_cgroup_hierarchy=1 to the kernel's command line, or use an operating system of 2021 or later; old Java and Node runtimes in pods need versions that know it.",
        commands: ["grubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1"],
        links: ["https://kubernetes.io/docs/concepts/architecture/cgroups/"],
      },
    };
  },
);

/** What the kubelet and Docker say, and what containerd's doctor makes of its runtimes. */
export const cgroupDriver = nodeCheck(
  { id: "cgroup-driver", title: "Kubelet and runtimes with different cgroup drivers", severity: "blocker" },
  function* (survey) {
    const kubelet = findKubeletSetting(survey.node.kubelet, { flag: "cgroup-driver", field: "cgroupDriver" });
    const docker = survey.node.docker?.cgroupDriver;
    const own = kubelet?.value ?? "cgroupfs";
    const summary =
      "Set cgroupDriver: systemd for the kubelet and SystemdCgroup = true for every runtime, in one go, with the node drained.";
    const links = ["https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers"];
    if (docker !== undefined && docker.value !== own) {
      yield {
        says: `its kubelet uses ${own}${kubelet === undefined ? " (the default)" : ""}, Docker ${docker.value}`,
        why: "They must agree already now: this kubelet does not start, or not any more after its next restart.",
        evidence: [docker.source, ...(kubelet === undefined ? [] : [kubelet.source])],
        fix: { summary, links },
      };
    }
    yield* doctorFindings(survey, (check) => /^containerd-(?:cgroup-driver|systemd-cgroup)/.test(check));
  },
);

/** What pods that run now were made with: it decides what happens to them, whatever the files say. */
export const runningCgroups = nodeCheck(
  { id: "running-cgroups", title: "Pods in cgroups of another driver than is configured", severity: "high" },
  function* ({ node, podCgroups }) {
    const kubelet = findKubeletSetting(node.kubelet, { flag: "cgroup-driver", field: "cgroupDriver" });
    const own = kubelet?.value ?? "cgroupfs";
    for (const { value, source } of podCgroups) {
      if (value === own) continue;
      yield {
        says:
          value === "mismatch"
            ? "its pods are in cgroups of both drivers"
            : `its pods are in ${value}'s cgroups, its kubelet is set to ${own}`,
        why: "The files were changed after these pods were made: with the kubelet's next restart they are killed and made again.",
        evidence: [source, ...(kubelet === undefined ? [] : [kubelet.source])],
        fix: {
          summary: "Drain the node before its kubelet is restarted, and reboot it to be rid of the old cgroups.",
          commands: ["kubectl drain NODE --ignore-daemonsets --delete-emptydir-data"],
        },
      };
    }
  },
);
