/** What a kubelet flag means for a change of runtime. Versions are minors: 24 is 1.24. */
export type KubeletFlagRule = {
  readonly name: string;
  /** First minor that knows it; left out: older than 1.14. */
  readonly since?: number;
  /** First minor whose kubelet does not start with it any more. */
  readonly removed?: number;
  /** Of Docker inside the kubelet (dockershim) only: another runtime makes nothing of it. */
  readonly dockershim?: true;
  readonly meaning: string;
  readonly source: string;
};

const dockershimRemoval = "https://github.com/kubernetes/kubernetes/pull/106907";

/**
 * Flags that a move away from Docker touches, and no others. Where no removal is given, the kubelet of 1.36 still takes
 * the flag.
 */
export const kubeletFlagTable: readonly KubeletFlagRule[] = [
  {
    name: "container-runtime",
    removed: 27,
    meaning: "docker or remote; from 1.24 on remote only",
    source: "https://github.com/kubernetes/kubernetes/pull/114017",
  },
  {
    name: "container-runtime-endpoint",
    meaning: "socket of the CRI runtime; from 1.27 on a field of the configuration too, and deprecated as a flag",
    source: "https://github.com/kubernetes/kubernetes/pull/112136",
  },
  {
    name: "image-service-endpoint",
    meaning: "socket for images, where it is another one",
    source: "https://github.com/kubernetes/kubernetes/pull/112136",
  },
  dockershim("network-plugin", "cni, kubenet or none: who calls the network for Docker's pods"),
  dockershim("cni-conf-dir", "where CNI configuration is"),
  dockershim("cni-bin-dir", "where CNI plugins are, comma-separated"),
  dockershim("cni-cache-dir", "where CNI results are kept"),
  dockershim("network-plugin-mtu", "MTU that kubenet sets"),
  dockershim("docker-endpoint", "Docker's socket"),
  dockershim("image-pull-progress-deadline", "how long a pull by Docker may stand still"),
  dockershim("experimental-dockershim-root-directory", "where dockershim kept its checkpoints"),
  {
    name: "experimental-dockershim",
    removed: 24,
    dockershim: true,
    meaning: "dockershim alone, for tests",
    source: "https://github.com/kubernetes/kubernetes/pull/97252",
  },
  {
    name: "redirect-container-streaming",
    removed: 24,
    dockershim: true,
    meaning: "exec and logs straight from Docker's streaming server; without effect since 1.20",
    source: "https://github.com/kubernetes/enhancements/issues/1558",
  },
  {
    name: "pod-infra-container-image",
    removed: 35,
    meaning: "sandbox image that image collection leaves alone; the runtime's own setting says which one is used",
    source: "https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.35.md",
  },
  {
    name: "config-dir",
    since: 28,
    meaning: "directory of KubeletConfiguration drop-ins; behind KUBELET_CONFIG_DROPIN_DIR_ALPHA in 1.28 and 1.29",
    source: "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/3983-drop-in-configuration",
  },
];

/** Flags that a kubelet of this minor refuses to start with. */
export function flagsRemovedBy(minor: number): readonly KubeletFlagRule[] {
  return kubeletFlagTable.filter(({ removed }) => removed !== undefined && minor >= removed);
}

/** Flags that only Docker inside the kubelet ever read. */
export function dockershimFlags(): readonly string[] {
  return kubeletFlagTable.filter((rule) => rule.dockershim === true).map(({ name }) => name);
}

function dockershim(name: string, meaning: string): KubeletFlagRule {
  return { name, removed: 24, dockershim: true, meaning, source: dockershimRemoval };
}
