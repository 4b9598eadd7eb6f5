import { lacksSwarm, sameWords, type SameWords } from "./same-words.ts";
import type { Tool } from "./tool.ts";

const builds =
  "images are built elsewhere: buildctl, buildah or a builder in the cluster; then ferry load or ferry pull";

const words: SameWords = {
  program: "ferry",
  lacks: {
    build: builds,
    buildx: builds,
    builder: builds,
    compose: "run compose against Ferry's socket: DOCKER_HOST=unix:///run/ferry/docker.sock docker compose …",
    commit: "build an image from a Dockerfile elsewhere; a container's files: ferry cp",
    diff: "a container's files can be read with ferry cp CONTAINER:/ -",
    export: "a container's files as an archive: ferry cp CONTAINER:/ - > files.tar",
    search: "ask the registry's own catalogue",
    checkpoint: "checkpoints are not supported",
    manifest: "skopeo inspect --raw, or crane manifest",
    trust: "signatures: cosign verify",
    ...lacksSwarm("orchestration is Kubernetes' here: kubectl"),
    context: "name the daemon with --host, or FERRY_HOST",
    plugin: "volume and network plugins are the cluster's: CSI and CNI",
  },
  notes: {
    ps: ["pods' containers have Docker's names for them, k8s_<container>_<pod>_<namespace>_<uid>_<attempt>"],
    stop: ["pods' containers are the kubelet's: it starts them again, and the socket refuses to stop them by default"],
    rm: ["pods' containers are the kubelet's; the socket refuses to remove them by default"],
  },
};

export const ferry: Tool = (command) => sameWords(words, command);
