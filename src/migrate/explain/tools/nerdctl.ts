import { lacksSwarm, sameWords, type SameWords } from "./same-words.ts";
import type { Tool } from "./tool.ts";

const restarts = "the kubelet starts a pod's container again";

/** Source: nerdctl docs/command-reference.md, docs/registry.md. */
const words: SameWords = {
  program: "nerdctl -n k8s.io",
  lacks: {
    "system df": "per image: nerdctl -n k8s.io images; of the disk: crictl imagefsinfo",
    "network connect": "a container's networks are fixed when it is made: nerdctl run --network A --network B",
    "network disconnect": "a container's networks are fixed when it is made",
    "buildx build": "nerdctl -n k8s.io build does what buildx does",
    "buildx prune": "nerdctl builder prune",
    trust: "nerdctl pull --verify=cosign",
    context: "name the daemon with --address and --namespace",
    plugin: "nerdctl has no plugins",
    ...lacksSwarm("nerdctl has no orchestration: kubectl"),
  },
  lostFlags: {
    run: [
      "device-cgroup-rule",
      "link",
      "storage-opt",
      "volume-driver",
      "health-start-interval",
      "disable-content-trust",
    ],
    create: ["device-cgroup-rule", "link", "storage-opt", "volume-driver", "health-start-interval"],
    exec: ["detach-keys"],
    attach: ["sig-proxy"],
    pull: ["all-tags"],
    events: ["since", "until"],
    "volume create": ["driver", "opt"],
  },
  notes: {
    ps: ["names are k8s://namespace/pod/container", "-n moby shows what Docker itself runs"],
    images: ["the id is the manifest's digest, not Docker's image id"],
    logs: ["for pods' containers its log reader is experimental; kubectl logs or crictl logs are not"],
    run: ["it writes /etc/cni/net.d/nerdctl-*.conflist, which may come before the cluster's own network by name"],
    build: ["needs buildkitd, with its containerd worker in the namespace k8s.io for the kubelet to see the image"],
    exec: ["-t cannot be used with -d"],
    stop: [restarts],
    rm: [restarts],
    inspect: ["fields are Docker's in its default mode; --mode=native has containerd's"],
  },
};

export const nerdctl: Tool = (command) => sameWords(words, command);
