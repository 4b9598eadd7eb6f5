import type { CheckInfo, ClusterCheck } from "../check.ts";
import { parseImageReference } from "../../image-reference.ts";
import { workloadFinding } from "../workload-finding.ts";
import { knownAgents } from "./known-images.ts";

const info: CheckInfo = {
  id: "known-agent",
  title: "Log, metrics and security agents that read Docker unless told otherwise",
  severity: "medium",
};

/** By image, or by the workload's name; one finding a workload and product. */
export const knownAgent: ClusterCheck = {
  ...info,
  *find({ workloads }) {
    for (const workload of workloads) {
      for (const { name, pattern, advice } of knownAgents) {
        const byName = !isParticular(name) && pattern.test(workload.ref.name);
        const container = workload.shape.containers.find(({ image, command }) => {
          const { registry, repository, tag } = parseImageReference(image);
          if (name.startsWith("Traefik"))
            return pattern.test(repository) && /providers\.docker/.test(command.join(" "));
          if (name.startsWith("Amazon VPC")) return pattern.test(repository) && isBefore(tag, 1, 12);
          return byName || pattern.test(`${registry}/${repository}`);
        });
        if (container === undefined) continue;
        yield workloadFinding(info, workload, {
          at: [{ path: `${container.path}.image`, excerpt: container.image }],
          says: `runs ${name}`,
          why: "It is known to get container names, labels or figures from Docker: without it they are missing until it is told of the new runtime.",
          fix: { summary: advice },
        });
      }
    }
  },
};

/** Of these, the image alone says too little. */
function isParticular(name: string): boolean {
  return name.startsWith("Traefik") || name.startsWith("Amazon VPC");
}

function isBefore(tag: string | undefined, major: number, minor: number): boolean {
  const match = /v?(\d+)\.(\d+)/.exec(tag ?? "");
  if (match === null) return false;
  return Number(match[1]) < major || (Number(match[1]) === major && Number(match[2]) < minor);
}
