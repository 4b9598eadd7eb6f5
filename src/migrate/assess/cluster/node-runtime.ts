import { findKubernetesVersion } from "../../host/kubernetes-version.ts";
import type { NodeFacts } from "../../cluster/cluster-facts.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { groupNodes, isDocker, kubeletSource, nodesFinding, runtimeSource } from "../nodes-finding.ts";
import { compareReleases, containerdProblem, parseRelease } from "../runtime-support.ts";

const runtimeInfo: CheckInfo = { id: "node-runtime", title: "Nodes that run on Docker", severity: "high" };

/** Up to 1.23 it is dockershim or cri-dockerd, which only the node's flags tell; from 1.24 on only cri-dockerd is left. */
export const nodeRuntime: ClusterCheck = {
  ...runtimeInfo,
  *find({ nodes }) {
    const groups = groupNodes(nodes, (node) =>
      isDocker(node) ? `${node.runtime} under kubelet ${node.kubelet}` : undefined,
    );
    for (const [says, group] of groups) {
      const minor = findKubernetesVersion(group[0]?.kubelet ?? "")?.minor;
      const through =
        minor === undefined || minor >= 24 ? "cri-dockerd" : "dockershim or cri-dockerd (its kubelet's flags tell)";
      yield nodesFinding(runtimeInfo, group, {
        says: `on ${says}`,
        why: `The kubelet reaches Docker through ${through}: every pod of these nodes is Docker's container.`,
        evidence: runtimeSource,
        fix: {
          summary: "Plan the move of each node, and apply it one node first.",
          commands: ["ferry migrate plan --target ferry --out plan.json", "ferry migrate apply --dry-run plan.json"],
          links: [
            "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/find-out-runtime-you-use/",
          ],
        },
      });
    }
  },
};

const versionInfo: CheckInfo = {
  id: "kubelet-version",
  title: "Kubelets that do not fit their runtime, or the version to come",
  severity: "blocker",
};

/**
 * A runtime too old for its kubelet or for the version that the cluster goes to, and kubelets too far behind it.
 * Source of the skew: https://kubernetes.io/releases/version-skew-policy/
 */
export const kubeletVersion: ClusterCheck = {
  ...versionInfo,
  *find({ nodes, origin }, { targetMinor }) {
    const server = targetMinor ?? findKubernetesVersion(origin.version ?? "")?.minor;
    for (const group of groupNodes(nodes, ({ kubelet, runtime }) => `${kubelet} ${runtime}`).values()) {
      const { kubelet, runtime } = group[0] ?? { kubelet: "", runtime: "" };
      const minor = findKubernetesVersion(kubelet)?.minor;
      if (minor === undefined) continue;
      const pair = { group, kubelet, runtime, minor, aim: targetMinor ?? minor };
      yield* dockershimGone(pair);
      yield* oldContainerd(pair);
      if (server !== undefined) yield* skew(pair, server);
    }
  },
};

/** Nodes with the same kubelet and runtime. `aim` is the minor that they go to. */
type Pair = {
  readonly group: readonly NodeFacts[];
  readonly kubelet: string;
  readonly runtime: string;
  readonly minor: number;
  readonly aim: number;
};

function* dockershimGone({ group, kubelet, runtime, minor, aim }: Pair): Generator<Finding> {
  if (!runtime.startsWith("docker://") || minor >= 24 || aim < 24) return;
  yield nodesFinding(versionInfo, group, {
    says: `kubelet ${kubelet} goes to 1.${aim}, which has no dockershim`,
    why: "From 1.24 on the kubelet has no dockershim: one that is upgraded first does not start its pods.",
    evidence: kubeletSource,
    fix: {
      summary: "Move the nodes to another runtime before the upgrade to 1.24.",
      commands: ["ferry migrate plan --target ferry"],
      links: ["https://kubernetes.io/blog/2022/02/17/dockershim-faq/"],
    },
  });
}

function* oldContainerd({ group, runtime, aim }: Pair): Generator<Finding> {
  const release = runtime.startsWith("containerd://") ? parseRelease(runtime) : undefined;
  const problem = release === undefined ? undefined : containerdProblem(release, aim);
  if (release === undefined || problem === undefined) return;
  const speaksNoV1 = aim >= 26 && compareReleases(release, [1, 6, 0]) < 0;
  yield nodesFinding(versionInfo, group, {
    says: `${runtime} is too old for Kubernetes 1.${aim}`,
    severity: speaksNoV1 ? "blocker" : "high",
    why: speaksNoV1
      ? "From 1.26 on the kubelet speaks CRI v1 only, which this containerd does not."
      : "It is outside of what containerd supports with this version: nobody tests the two together.",
    evidence: runtimeSource,
    fix: {
      summary: `Upgrade containerd to ${problem.needs} or newer first.`,
      links: ["https://github.com/containerd/containerd/blob/main/RELEASES.md#kubernetes-support"],
    },
  });
}

function* skew({ group, kubelet, minor }: Pair, server: number): Generator<Finding> {
  const allowed = minor >= 25 ? 3 : 2;
  if (server - minor <= allowed) return;
  yield nodesFinding(versionInfo, group, {
    says: `kubelet ${kubelet} is more than ${allowed} minor versions behind 1.${server}`,
    why: "An API server refuses nothing by itself, but such a pair is outside of the version skew policy and breaks.",
    evidence: kubeletSource,
    fix: {
      summary: `Upgrade these kubelets to 1.${server - allowed} or newer on the way, one minor version after the other.`,
      links: ["https://kubernetes.io/releases/version-skew-policy/"],
    },
  });
}
