import { lookUp } from "#base/look-up.ts";
import { shellWord } from "#base/shell-word.ts";
import type { NodeFacts } from "../../cluster/cluster-facts.ts";
import { memberPath } from "../../cluster/field.ts";
import { sourceAt } from "../../cluster/place.ts";
import { findKubernetesVersion } from "../../host/kubernetes-version.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { groupNodes, nodesFinding, type NodesFound } from "../nodes-finding.ts";

const annotation = "kubeadm.alpha.kubernetes.io/cri-socket";

const annotationInfo: CheckInfo = {
  id: "cri-socket-annotation",
  title: "kubeadm's note of a node's socket that is Docker's, has no scheme or is stale",
  severity: "high",
};

/** `kubeadm upgrade` and `reset` go by this annotation up to 1.33. Source: KEP-4656. */
export const criSocketAnnotation: ClusterCheck = {
  ...annotationInfo,
  *find({ nodes }) {
    const groups = groupNodes(nodes, (node) => problemOf(node));
    for (const [says, group] of groups) {
      yield nodesFinding(annotationInfo, group, {
        says,
        why: "The next kubeadm upgrade or reset looks for this socket and fails, or asks for the docker command.",
        evidence: ({ place, annotations }) =>
          sourceAt(place, memberPath(".metadata.annotations", annotation), annotations[annotation]),
        fix: {
          summary:
            "Annotate each node with the socket it really uses, once it has moved; ferry migrate apply does so on its way.",
          commands: group.slice(0, 5).map(annotateCommand),
        },
      });
    }
  },
};

/** Of the runtime that the node says it has; a node that has not moved gets its socket then. */
const sockets: Readonly<Record<string, string>> = {
  containerd: "unix:///run/containerd/containerd.sock",
  ferry: "unix:///run/ferry/ferry.sock",
  "cri-o": "unix:///var/run/crio/crio.sock",
};

function annotateCommand({ name, runtime }: NodeFacts): string {
  const socket = lookUp(sockets, runtime.split("://")[0] ?? "") ?? "SOCKET";
  return `kubectl annotate node ${shellWord(name)} --overwrite ${annotation}=${socket}`;
}

function problemOf({ annotations, runtime }: NodeFacts): string | undefined {
  const socket = annotations[annotation];
  if (socket === undefined) return undefined;
  const isOfDocker = /docker/.test(socket);
  if (isOfDocker && !runtime.startsWith("docker://"))
    return `kubeadm's annotation says ${socket}, but the node runs on another runtime`;
  if (isOfDocker) return `kubeadm's annotation says ${socket}`;
  if (!/^(?:unix|npipe):/.test(socket)) return `kubeadm's annotation has no scheme: ${socket}`;
  if (runtime.startsWith("docker://")) return `kubeadm's annotation says ${socket}, but the node runs on Docker`;
  return undefined;
}

const configInfo: CheckInfo = {
  id: "kubelet-config",
  title: "Running kubelets whose settings do not fit another runtime",
  severity: "medium",
};

type Rule = { readonly key: string; readonly applies: (value: string | undefined, node: NodeFacts) => boolean } & Omit<
  NodesFound,
  "evidence"
>;

const rules: readonly Rule[] = [
  {
    key: "containerRuntimeEndpoint",
    applies: (value) => value !== undefined && /docker/.test(value),
    says: "the running kubelet's endpoint is Docker's",
    why: "The file that sets it decides over flags of a later step.",
    fix: {
      summary:
        "Set containerRuntimeEndpoint to the new runtime's socket in the kubelet's configuration; ferry migrate plan does.",
    },
  },
  {
    key: "cgroupDriver",
    applies: (value, { runtime }) => value === "cgroupfs" && runtime.startsWith("docker://"),
    says: "the running kubelet uses the cgroupfs driver",
    why: "Kubelet and runtime must agree; with two managers of cgroups on a systemd host, pods restart in waves under load.",
    fix: {
      summary:
        "Decide for systemd on hosts with systemd, in the kubelet's cgroupDriver and in the runtime's configuration together.",
      links: ["https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/configure-cgroup-driver/"],
    },
  },
  {
    key: "failCgroupV1",
    // Before 1.35 it is the default, which a running kubelet shows too.
    applies: (value, { kubelet }) => value === "false" && (findKubernetesVersion(kubelet)?.minor ?? 0) >= 35,
    says: "the running kubelet is told to go on with cgroup v1",
    why: "From 1.35 on the kubelet refuses cgroup v1 by default; the code is to be removed after 1.38.",
    severity: "low",
    fix: {
      summary: "Plan an operating system with cgroup v2.",
      links: ["https://kubernetes.io/docs/concepts/architecture/cgroups/"],
    },
  },
  {
    key: "containerLogMaxSize",
    applies: (value, { runtime }) => value === "10Mi" && runtime.startsWith("docker://"),
    says: "logs will be rotated by the kubelet at its default of 10Mi",
    why: "Under Docker its log-opts decided, which by default keep all; after the move logs beyond 5 files of 10 MiB are gone.",
    severity: "low",
    fix: {
      summary:
        "Set containerLogMaxSize and containerLogMaxFiles to what Docker's log-opts had; ferry migrate convert does.",
      patch: "containerLogMaxSize: 100Mi\ncontainerLogMaxFiles: 5\n",
    },
  },
];

export const kubeletConfig: ClusterCheck = {
  ...configInfo,
  *find({ nodes }): Generator<Finding> {
    for (const { key, applies, ...found } of rules) {
      const group = nodes.filter((node) => node.config !== undefined && applies(node.config.values[key], node));
      if (group.length === 0) continue;
      yield nodesFinding(configInfo, group, {
        ...found,
        evidence: ({ place, config }) =>
          sourceAt(config?.place ?? place, `.kubeletconfig.${key}`, `${key}: ${config?.values[key] ?? ""}`),
      });
    }
  },
};

const metricsInfo: CheckInfo = {
  id: "kubelet-metrics",
  title: "Kubelets that say their runtime or cgroup version loses support",
  severity: "high",
};

/** Source: KEP-4033 (kubelet_cri_losing_support), KEP-4569 (kubelet_cgroup_version). */
export const kubeletMetrics: ClusterCheck = {
  ...metricsInfo,
  *find({ nodes }): Generator<Finding> {
    const lineOf = ({ metrics }: NodeFacts, pattern: RegExp) => metrics?.lines.find((line) => pattern.test(line));
    const losing = /^kubelet_cri_losing_support\{[^}]*version="([^"]*)"[^}]*\}\s+1\b/;
    for (const [version, group] of groupNodes(nodes, (node) => losing.exec(lineOf(node, losing) ?? "")?.[1])) {
      yield nodesFinding(metricsInfo, group, {
        says: `the kubelet says that its runtime is not supported from ${version} on`,
        why: "The runtime does not answer RuntimeConfig, without which later kubelets do not start.",
        evidence: (node) => sourceAt(node.metrics?.place ?? node.place, "", lineOf(node, losing)),
        fix: { summary: "Move to Ferry, to containerd 2.0 or newer, or to CRI-O 1.28 or newer." },
      });
    }
    const v1 = /^kubelet_cgroup_version(?:\{[^}]*\})?\s+1\b/;
    const group = nodes.filter((node) => lineOf(node, v1) !== undefined);
    if (group.length === 0) return;
    yield nodesFinding(metricsInfo, group, {
      says: "the node has cgroup v1",
      why: "The kubelet from 1.35 on does not start on cgroup v1 unless failCgroupV1 is false.",
      severity: "medium",
      evidence: (node) => sourceAt(node.metrics?.place ?? node.place, "", lineOf(node, v1)),
      fix: {
        summary:
          "Boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or set failCgroupV1: false for the time being.",
      },
    });
  },
};
