import type { TextFacts, Workload } from "../../cluster/cluster-facts.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import { dockerPathOf } from "../docker-paths.ts";
import type { Finding, Fix } from "../finding.ts";
import { matchLines, textFinding } from "../text-lines.ts";
import { workloadFinding } from "../workload-finding.ts";
import { isDockerInDocker } from "./known-images.ts";

const info: CheckInfo = {
  id: "image-builds",
  title: "Image builds through the node's Docker",
  severity: "blocker",
};

const builds = /\bdocker\s+(?:image\s+)?(?:build|buildx|push|commit)\b|docker-compose\s+build/;
const ciAgents =
  /jenkins|jnlp|gitlab-runner|gitlab.*helper|actions-runner|summerwind|azure-?pipelines|azp-agent|vsts-agent|drone|woodpecker|teamcity|bamboo|buildkite|circleci|concourse|argo-?events.*docker/i;
/** GitLab Runner's `volumes = ["/var/run/docker.sock:…"]`, Drone's, Jenkins' pod templates. */
const socketInConfig = /docker\.sock/;

const fix: Fix = {
  summary:
    "Build without a node's Docker: BuildKit (rootless, as a service), kaniko or buildah in the pod, or Docker in Docker; with target ferry the socket stays, but builds are not served by it.",
  links: ["https://docs.docker.com/build/buildkit/", "https://docs.gitlab.com/ci/docker/using_docker_build/"],
};
const why =
  "Builds through the node's socket stop with the node's Docker, and what they made there was only known to Docker: the kubelet of another runtime does not see it.";

/** Builders and CI agents with the node's socket; those with a Docker of their own (dind) go on. */
export const imageBuilds: ClusterCheck = {
  ...info,
  *find({ workloads, texts }) {
    for (const workload of workloads) {
      if (!workload.shape.containers.some(isDockerInDocker)) yield* workloadFindings(workload);
    }
    for (const text of texts) if (text.ref !== undefined) yield* textFindings(text);
  },
};

function* workloadFindings(workload: Workload): Generator<Finding> {
  const { containers, hostPaths } = workload.shape;
  const socket = hostPaths.find(({ hostPath }) => dockerPathOf(hostPath)?.t === "socket");
  const builder = containers.find(({ command }) => builds.test(command.join(" ")));
  const agent = containers.find(({ image }) => ciAgents.test(image));
  const isNamedSo = ciAgents.test(workload.ref.name);
  const found = builder ?? (socket === undefined ? undefined : (agent ?? (isNamedSo ? containers[0] : undefined)));
  if (found === undefined) return;
  const says =
    builder === undefined
      ? `builds through ${socket?.hostPath ?? ""} (CI agent ${found.image})`
      : `container ${found.name} builds images with docker`;
  yield workloadFinding(info, workload, {
    at: [
      {
        path: `${found.path}${builder === undefined ? ".image" : ""}`,
        excerpt: builder === undefined ? found.image : (builds.exec(found.command.join(" "))?.[0] ?? ""),
      },
      ...(socket === undefined ? [] : [{ path: socket.path, excerpt: socket.hostPath }]),
    ],
    says,
    why,
    fix,
  });
}

function* textFindings(text: TextFacts): Generator<Finding> {
  const isAgent = ciAgents.test(`${text.ref?.name ?? ""} ${text.name}`) || /\[\[runners\]\]/.test(text.text);
  const matches = [
    ...matchLines(text.text, isAgent ? new RegExp(`${builds.source}|${socketInConfig.source}`) : builds),
  ];
  const [first] = matches;
  if (first === undefined) return;
  yield textFinding(info, text, {
    matches,
    says: socketInConfig.test(first.text) ? "gives CI jobs the node's Docker socket" : "builds images with docker",
    why,
    fix,
  });
}
