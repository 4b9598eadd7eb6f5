import type { ContainerShape } from "../../cluster/pod-shape.ts";
import { parseImageReference } from "../../image-reference.ts";

/** A container that brings its own Docker daemon, and so needs none of the node's. */
export function isDockerInDocker({ image, command }: ContainerShape): boolean {
  const { repository, tag } = parseImageReference(image);
  return (
    (/(?:^|\/)docker$/.test(repository) && /dind/.test(tag ?? "")) ||
    /(?:^|\/)dind$/.test(repository) ||
    /\bdockerd\b/.test(command.join(" "))
  );
}

export type KnownAgent = {
  readonly name: string;
  /** Of the image's repository, or of the workload's name. */
  readonly pattern: RegExp;
  readonly advice: string;
};

/**
 * Agents that read Docker unless told otherwise.
 *
 * Source: https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/migrating-telemetry-and-security-agents/
 * and each product's own pages.
 */
export const knownAgents: readonly KnownAgent[] = [
  agent(
    "Datadog agent",
    /datadog(?:hq)?\/(?:[\w-]*-)?agent$|dd-agent|datadog/,
    "Use agent 7.x with the CRI socket (DD_CRI_SOCKET_PATH), and its host path mounted.",
  ),
  agent(
    "Dynatrace OneAgent",
    /dynatrace.*oneagent|oneagent/,
    "Use the Dynatrace operator's current OneAgent, which watches containerd and CRI-O.",
  ),
  agent(
    "Falco",
    /falco/,
    "Give it the CRI socket: --cri /run/containerd/containerd.sock, or collectors.containerd.enabled of its chart.",
  ),
  agent(
    "Prisma Cloud (Twistlock) Defender",
    /twistlock|prisma.*defender/,
    "Deploy the Defender again with the container runtime set to CRI.",
  ),
  agent("SignalFx agent", /signalfx/, "Take the docker-container-stats monitor out; use kubelet-metrics."),
  agent(
    "Aqua agent",
    /aquasec\/(?:enforcer|agent)|aqua-agent|aquasec/,
    "Deploy the enforcer again with the CRI socket mounted.",
  ),
  agent("Sysdig agent", /sysdig/, "Use agent 12 or newer and mount the CRI socket (cri.socket_path)."),
  agent("New Relic infrastructure", /newrelic/, "Use the integration 3.x, which reads the kubelet, not Docker."),
  agent(
    "cAdvisor",
    /cadvisor/,
    "Start it with --containerd=/run/containerd/containerd.sock; filesystem figures per container are not there.",
  ),
  agent(
    "Weave Scope",
    /weaveworks\/scope|weave-scope/,
    "Start the probe with --probe.cri=true --probe.cri.endpoint, without --probe.docker.",
  ),
  agent("Portainer agent", /portainer/, "Deploy Portainer's Kubernetes agent: its Docker one sees nothing."),
  agent("Traefik with its Docker provider", /traefik/, "Use its Kubernetes provider (--providers.kubernetescrd)."),
  agent("kubectl-flame", /kubectl-flame/, "Use a release with --docker-path replaced by the containerd one."),
  agent(
    "Watchtower or Ouroboros",
    /watchtower|ouroboros/,
    "Let your delivery update images: it restarts containers behind the kubelet's back.",
  ),
  agent("autoheal", /autoheal/, "Use liveness probes."),
  agent(
    "Amazon VPC CNI before 1.12",
    /amazon-k8s-cni/,
    "Use amazon-k8s-cni 1.12 or newer: older ones ask Docker, or CRI v1alpha2.",
  ),
  agent("docker-gc", /docker-gc|docker-cleanup/, "Take it out: the kubelet collects unused images and containers."),
  agent("logspout", /logspout/, "Use a collector that reads /var/log/pods."),
];

function agent(name: string, pattern: RegExp, advice: string): KnownAgent {
  return { name, pattern, advice };
}
