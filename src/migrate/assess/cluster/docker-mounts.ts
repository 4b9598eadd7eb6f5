import type { ClusterFacts, VolumeFacts, Workload } from "../../cluster/cluster-facts.ts";
import type { HostPathVolume } from "../../cluster/pod-shape.ts";
import { sourceAt } from "../../cluster/place.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import { dockerPathOf, type DockerPath } from "../docker-paths.ts";
import type { Finding, Fix } from "../finding.ts";
import { patchCommand } from "../kubectl.ts";
import { workloadFinding } from "../workload-finding.ts";
import { ferrySocket } from "./docker-socket-mount.ts";

const parentInfo: CheckInfo = {
  id: "docker-parent-mount",
  title: "Pods that mount a directory with Docker's socket in it",
  severity: "high",
};

/** Words in a command, variable or mount that say the socket within the mount is used. */
const usesDocker = /docker(?:\.sock|shim)|DOCKER_HOST|\bdocker\b/i;

/** `/run`, `/var/run`, `/var`, `/`: whether Docker is used through it is told by names; otherwise it has to be asked. */
export const dockerParentMount: ClusterCheck = {
  ...parentInfo,
  *find({ workloads }) {
    for (const workload of workloads) {
      for (const volume of workload.shape.hostPaths) {
        if (dockerPathOf(volume.hostPath)?.t === "parent") yield parentFinding(workload, volume);
      }
    }
  },
};

function parentFinding(workload: Workload, volume: HostPathVolume): Finding {
  const { containers } = workload.shape;
  const isSure = containers.some(
    ({ command, env, image }) =>
      usesDocker.test(command.join(" ")) ||
      usesDocker.test(image) ||
      env.some(({ name, value }) => usesDocker.test(`${name}=${value}`)),
  );
  return workloadFinding(parentInfo, workload, {
    at: [{ path: volume.path, excerpt: volume.hostPath }],
    says: `mounts ${volume.hostPath}, where Docker's socket lies`,
    severity: isSure ? "high" : "medium",
    why: isSure
      ? "Its image, command or variables name Docker: it will find no socket after the move."
      : "It can reach Docker's socket through this directory; whether it does is not seen from outside.",
    fix: {
      summary: `Look whether it opens docker.sock (on its node: ss -xp | grep docker.sock); if so, point it to ${ferrySocket}, and mount no more than it needs.`,
      commands: ["ss -xp src /run/docker.sock"],
      links: [
        "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/migrating-telemetry-and-security-agents/",
      ],
    },
  });
}

const dataInfo: CheckInfo = {
  id: "docker-data-mount",
  title: "Pods that mount Docker's data, configuration or program",
  severity: "high",
};

export const dockerDataMount: ClusterCheck = {
  ...dataInfo,
  *find({ workloads }) {
    for (const workload of workloads) {
      for (const volume of workload.shape.hostPaths) {
        const found = dockerPathOf(volume.hostPath);
        if (found?.t === "data") yield dataFinding(workload, volume, found.holds);
      }
    }
  },
};

function dataFinding(workload: Workload, volume: HostPathVolume, holds: string): Finding {
  const isLogs = holds.includes("log files") || holds.includes("data root");
  const command = patchCommand(workload, [
    { op: "test", path: volume.path, value: volume.hostPath },
    { op: "replace", path: volume.path, value: "/var/log/pods" },
  ]);
  const fix: Fix = isLogs
    ? {
        summary:
          "Mount /var/log alone: /var/log/pods has the real files with any CRI runtime; and read their CRI format.",
        patch: `volumes:\n- name: ${volume.volume}\n  hostPath:\n    path: /var/log/pods\n`,
        ...(command === undefined ? {} : { commands: [command] }),
      }
    : {
        summary:
          "Ask the runtime through its API for what is read there (images, containers, configuration), or take the mount out.",
      };
  return workloadFinding(dataInfo, workload, {
    at: [{ path: volume.path, excerpt: volume.hostPath }],
    says: `mounts ${volume.hostPath}`,
    why: `It holds ${holds}, which no other runtime writes: what reads it sees nothing new after the move.`,
    fix,
  });
}

const volumeInfo: CheckInfo = {
  id: "docker-volume",
  title: "Persistent volumes that lead to Docker's socket or data",
  severity: "high",
};

/** PersistentVolumes with such a path, followed through their claims to the workloads that use them. */
export const dockerVolume: ClusterCheck = {
  ...volumeInfo,
  *find(facts) {
    for (const volume of facts.volumes) {
      const found = dockerPathOf(volume.hostPath);
      if (found !== undefined && found.t !== "parent") yield* volumeFindings(facts, volume, found);
    }
  },
};

function* volumeFindings(facts: ClusterFacts, volume: VolumeFacts, found: DockerPath): Generator<Finding> {
  const evidence = sourceAt(volume.place, volume.path, volume.hostPath);
  const claims = new Set([
    ...(volume.claim === undefined ? [] : [volume.claim]),
    ...facts.claims
      .filter((claim) => claim.volume === volume.name)
      .map(({ namespace, name }) => `${namespace}/${name}`),
  ]);
  const why = `The volume ${volume.name} is ${found.t === "socket" ? found.socket : "a part of Docker's files"}.`;
  const fix: Fix = { summary: "Give the claim a volume elsewhere, or use the runtime's own socket." };
  let isUsed = false;
  for (const workload of facts.workloads) {
    for (const { claim, path } of workload.shape.claims) {
      if (!claims.has(`${workload.ref.namespace ?? "default"}/${claim}`)) continue;
      isUsed = true;
      const severity = found.t === "socket" ? {} : { severity: "medium" as const };
      yield workloadFinding(volumeInfo, workload, {
        at: [{ path, excerpt: claim }],
        says: `mounts ${volume.hostPath} through claim ${claim}`,
        why,
        fix,
        more: [evidence],
        ...severity,
      });
    }
  }
  if (isUsed) return;
  yield {
    check: volumeInfo.id,
    severity: "low",
    title: `persistentvolume ${volume.name}: leads to ${volume.hostPath}`,
    why: `${why} No workload mounts it now.`,
    subject: { t: "object", kind: "PersistentVolume", name: volume.name },
    evidence: [evidence],
    fix,
  };
}
