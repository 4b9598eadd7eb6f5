import type { NodeFacts } from "../../cluster/cluster-facts.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Fix } from "../finding.ts";
import { shellWord } from "#base/shell-word.ts";
import { groupNodes, isDocker, nodesFinding, runtimeSource } from "../nodes-finding.ts";

const info: CheckInfo = {
  id: "managed-pool",
  title: "Node pools of a cloud that still run on Docker",
  severity: "high",
};

type Pool = { readonly provider: string; readonly label: string; readonly fix: (pool: string, node: NodeFacts) => Fix };

const pools: readonly Pool[] = [
  {
    provider: "GKE",
    label: "cloud.google.com/gke-nodepool",
    fix: (pool, { osImage, os }) => {
      const image =
        os === "windows" ? "WINDOWS_LTSC_CONTAINERD" : /ubuntu/i.test(osImage) ? "UBUNTU_CONTAINERD" : "COS_CONTAINERD";
      return {
        summary: "Give the pool an image type with containerd; GKE replaces its nodes.",
        commands: [`gcloud container clusters upgrade CLUSTER --image-type ${image} --node-pool ${shellWord(pool)}`],
        links: ["https://cloud.google.com/kubernetes-engine/docs/deprecations/docker-containerd"],
      };
    },
  },
  {
    provider: "EKS",
    label: "eks.amazonaws.com/nodegroup",
    fix: (pool) => ({
      summary:
        "Make a new node group from an AMI of Kubernetes 1.24 or newer (no --container-runtime in its bootstrap arguments), drain the old one and delete it.",
      commands: [
        `eksctl create nodegroup --cluster CLUSTER --name ${shellWord(`${pool}-containerd`)}`,
        `eksctl delete nodegroup --cluster CLUSTER --name ${shellWord(pool)}`,
      ],
      links: ["https://docs.aws.amazon.com/eks/latest/userguide/dockershim-deprecation.html"],
    }),
  },
  {
    provider: "AKS",
    label: "kubernetes.azure.com/agentpool",
    fix: (pool, { os }) => ({
      summary: `Upgrade the pool: ${os === "windows" ? "Windows pools have containerd from 1.23 on" : "Linux pools have containerd from 1.19 on"}.`,
      commands: [
        `az aks nodepool upgrade --resource-group GROUP --cluster-name CLUSTER --name ${shellWord(pool)} --kubernetes-version VERSION`,
      ],
      links: ["https://learn.microsoft.com/azure/aks/cluster-configuration"],
    }),
  },
];

/** Nodes that a provider replaces are not edited: their pool gets another image. */
export const managedPool: ClusterCheck = {
  ...info,
  *find({ nodes }) {
    for (const { provider, label, fix } of pools) {
      const groups = groupNodes(
        nodes.filter(isDocker),
        ({ labels }) => labels[label] ?? labels[label.replace("kubernetes.azure.com/", "")],
      );
      for (const [pool, group] of groups) {
        const [node] = group;
        if (node === undefined) continue;
        yield nodesFinding(info, group, {
          says: `${provider} pool ${pool} runs on Docker`,
          why: "Its nodes are replaced, never changed in place: what is edited on them is gone with the next upgrade or repair.",
          evidence: runtimeSource,
          fix: fix(pool, node),
        });
      }
    }
  },
};
