import type { Workload } from "../../cluster/cluster-facts.ts";
import type { HostPathVolume } from "../../cluster/pod-shape.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import { dockerPathOf } from "../docker-paths.ts";
import type { Finding, Fix } from "../finding.ts";
import { patchCommand } from "../kubectl.ts";
import { workloadFinding } from "../workload-finding.ts";

export const ferrySocket = "/run/ferry/docker.sock";

const info: CheckInfo = {
  id: "docker-socket-mount",
  title: "Pods that mount Docker's socket",
  severity: "high",
};

/** Templates, pods, static pods, suspended and scaled-down objects alike: each would fail when it next starts. */
export const dockerSocketMount: ClusterCheck = {
  ...info,
  *find({ workloads }) {
    for (const workload of workloads) {
      for (const volume of workload.shape.hostPaths) {
        const found = dockerPathOf(volume.hostPath);
        if (found?.t === "socket") yield socketFinding(workload, volume, found.socket);
      }
    }
  },
};

function socketFinding(workload: Workload, volume: HostPathVolume, socket: string): Finding {
  const users = workload.shape.containers
    .filter(({ mounts }) => mounts.some((mount) => mount.volume === volume.volume))
    .map(({ name, role }) => (role === "container" ? name : `${name} (${role})`));
  return workloadFinding(info, workload, {
    at: [{ path: volume.path, excerpt: volume.hostPath }],
    says: `mounts ${volume.hostPath}`,
    why: whyOf(volume, socket, users),
    fix: fixOf(workload, volume, socket),
  });
}

function whyOf({ type }: HostPathVolume, socket: string, users: readonly string[]): string {
  const who = users.length === 0 ? "no container uses the mount" : `used by ${users.join(", ")}`;
  const after =
    type === "Socket" || type === "File"
      ? "without Docker the path is no socket and the pod does not start (FailedMount)"
      : "without Docker the kubelet makes an empty directory there, and every call to it fails";
  return `It is ${socket} (${who}): ${after}.`;
}

function fixOf(workload: Workload, volume: HostPathVolume, socket: string): Fix {
  if (socket.startsWith("dockershim") || socket.startsWith("cri-dockerd")) {
    return {
      summary:
        "Mount the CRI socket of the new runtime instead: /run/ferry/ferry.sock or /run/containerd/containerd.sock.",
    };
  }
  const { path } = volume;
  const command = patchCommand(workload, [
    { op: "test", path, value: volume.hostPath },
    { op: "replace", path, value: ferrySocket },
  ]);
  return {
    summary: `With target ferry, mount ${ferrySocket}: it speaks the same API and shows the kubelet's containers; with any other target, take the mount out and use what needs no Docker.`,
    ...(command === undefined ? {} : { commands: [command] }),
    patch: `volumes:\n- name: ${volume.volume}\n  hostPath:\n    path: ${ferrySocket}\n    type: Socket\n`,
    links: [
      "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/migrating-telemetry-and-security-agents/",
    ],
  };
}
