import { sourceAt } from "../../cluster/place.ts";
import type { Workload } from "../../cluster/cluster-facts.ts";
import type { ContainerShape } from "../../cluster/pod-shape.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding, Fix } from "../finding.ts";
import { nameOf, workloadFinding } from "../workload-finding.ts";
import { isDockerInDocker } from "./known-images.ts";

const info: CheckInfo = {
  id: "docker-over-network",
  title: "Clients of Docker over TCP",
  severity: "high",
};

const ports = new Set([2375, 2376]);
const hostFlag = /(?:-H|--host)[= ]?(?:tcp|http|https|fd|unix):\/\/[^\s"']*/;
const fix: Fix = {
  summary:
    "Use Ferry's Docker API (a Unix socket, mounted), a Docker in the pod itself (dind), or what needs no Docker.",
};

/** `DOCKER_HOST`, `-H tcp://`, and whatever serves or asks 2375 and 2376. A pod with its own Docker in it goes on. */
export const dockerOverNetwork: ClusterCheck = {
  ...info,
  *find({ workloads, services }) {
    for (const workload of workloads) {
      if (workload.shape.containers.some(isDockerInDocker)) continue;
      for (const container of workload.shape.containers) yield* containerFindings(workload, container);
    }
    for (const { ref, place, ports: open } of services) {
      const found = open.find(({ port, target }) => ports.has(port) || ports.has(target ?? 0));
      if (found === undefined) continue;
      yield {
        check: info.id,
        severity: info.severity,
        title: `${nameOf(ref)}: leads to port ${found.port}, Docker's`,
        why: "Where a node's Docker answers behind it, its clients are cut off after the move.",
        subject: { t: "object", ...ref },
        evidence: [sourceAt(place, found.path, String(found.port))],
        fix,
      };
    }
  },
};

function* containerFindings(workload: Workload, container: ContainerShape): Generator<Finding> {
  const host = container.env.find(({ name }) => name === "DOCKER_HOST");
  if (host !== undefined) {
    const isLocal = host.value.startsWith("unix://");
    yield workloadFinding(info, workload, {
      at: [{ path: host.path, excerpt: `DOCKER_HOST=${host.value}` }],
      says: `container ${container.name} has DOCKER_HOST ${host.value === "" ? "set from elsewhere" : host.value}`,
      why: isLocal
        ? "It is a client of the node's Docker."
        : "It is a client of a Docker over the network: where that is a node's, it is gone after the move.",
      fix,
    });
  }
  const command = container.command.join(" ");
  const flag = hostFlag.exec(command);
  if (flag !== null && /docker/i.test(`${command} ${container.image}`)) {
    yield workloadFinding(info, workload, {
      at: [{ path: container.path, excerpt: flag[0] }],
      says: `container ${container.name} calls Docker with ${flag[0]}`,
      why: "It is a client of a Docker that is gone after the move.",
      fix,
    });
  }
  const port = container.ports.find((one) => ports.has(one.host ?? 0));
  if (port !== undefined) {
    yield workloadFinding(info, workload, {
      at: [{ path: port.path, excerpt: `hostPort: ${port.host ?? ""}` }],
      says: `container ${container.name} takes the node's port ${port.host ?? ""}, Docker's`,
      why: "It passes the node's Docker on to others, or stands in for it.",
      fix,
    });
  }
}
