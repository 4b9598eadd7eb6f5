/** How a managed pool leaves Docker: by new nodes, not by changing one that its provider would replace. */
export type ManagedMove = {
  /** In order; words in capitals are to be filled in. */
  readonly commands: readonly string[];
  readonly notes: readonly string[];
};

/** What to run instead of changing nodes of a pool, whose kubelet is of this minor where it is known. */
export function managedCommands(provider: "eks" | "gke" | "aks", minor: number | undefined): ManagedMove {
  switch (provider) {
    case "eks":
      return eks(minor);
    case "gke":
      return gke();
    case "aks":
      return aks(minor);
    default:
      return provider satisfies never;
  }
}

/** Source: docs.aws.amazon.com/eks "Migrate from dockershim to containerd", eksctl.io "node bootstrapping". */
function eks(minor: number | undefined): ManagedMove {
  const replace = [
    "kubectl drain OLD-NODES --ignore-daemonsets",
    "eksctl delete nodegroup --cluster CLUSTER --name OLD",
  ];
  const symlink =
    "EKS images link /var/run/dockershim.sock to containerd's socket: a mount of it that succeeds is no proof that Docker is there";
  if (minor !== undefined && minor >= 24) {
    return {
      commands: ["eksctl create nodegroup --cluster CLUSTER --name NEW --node-ami-family AmazonLinux2023", ...replace],
      notes: [
        "from 1.24 on EKS nodes run containerd; bootstrap.sh --container-runtime must go from user data, it is refused",
        "Amazon Linux 2023 reads NodeConfig (nodeadm) in place of bootstrap.sh: spec.kubelet.flags and spec.containerd.config hold what was passed before",
        symlink,
      ],
    };
  }
  return {
    commands: [
      "# user data of the new group: /etc/eks/bootstrap.sh CLUSTER --container-runtime containerd",
      "eksctl create nodegroup --config-file NEW.yaml   # managedNodeGroups[].ami and overrideBootstrapCommand",
      ...replace,
    ],
    notes: ["the flag is for 1.23 and older only: take it out again before 1.24", symlink],
  };
}

/** Source: cloud.google.com/kubernetes-engine "Migrate to containerd node images". */
function gke(): ManagedMove {
  return {
    commands: [
      "gcloud container node-pools list --cluster CLUSTER --format 'table(name,config.imageType,version)'",
      "gcloud container clusters upgrade CLUSTER --image-type COS_CONTAINERD --node-pool POOL",
      "gcloud container clusters update CLUSTER --enable-autoprovisioning --autoprovisioning-image-type COS_CONTAINERD",
    ],
    notes: [
      "UBUNTU becomes UBUNTU_CONTAINERD, WINDOWS_LTSC becomes WINDOWS_LTSC_CONTAINERD (GKE 1.21.1 and later)",
      "the third command is for clusters with node auto-provisioning only",
      "nodes keep a docker program for builds; images it makes are not seen by Kubernetes",
    ],
  };
}

/** Source: learn.microsoft.com/azure/aks "Container runtime configuration". */
function aks(minor: number | undefined): ManagedMove {
  return {
    commands: [
      "az aks nodepool upgrade --resource-group GROUP --cluster-name CLUSTER --name POOL --kubernetes-version VERSION",
    ],
    notes: [
      minor !== undefined && minor >= 19
        ? "Linux pools of 1.19 and later run containerd already; Windows pools from 1.23 on"
        : "Linux pools run containerd from 1.19 on, Windows pools from 1.23 on: the upgrade is the move",
    ],
  };
}
