import type { Source } from "../../host/source.ts";
import { runtimeVersion } from "../../host/read-runtime.ts";
import { containerdProblem, parseRelease } from "../runtime-support.ts";
import { doctorFindings } from "./doctor.ts";
import { fileSource, nodeCheck } from "./node-finding.ts";

export const severalSockets = nodeCheck(
  { id: "several-runtime-sockets", title: "Sockets of several runtimes", severity: "high" },
  function* ({ sockets }) {
    const found = sockets.filter((path) => !path.startsWith("/run/docker/"));
    if (found.length < 2) return;
    yield {
      says: `it has sockets of several runtimes: ${found.join(", ")}`,
      why: 'kubeadm ends with "Found multiple CRI endpoints on the host" unless it is told which one, and tools pick the wrong one.',
      evidence: found.map((path) => fileSource(path)),
      fix: {
        summary:
          "Name the socket for kubeadm (nodeRegistration.criSocket, --cri-socket) and for crictl (/etc/crictl.yaml).",
        patch:
          "# /etc/crictl.yaml\nruntime-endpoint: unix:///run/ferry/ferry.sock\nimage-endpoint: unix:///run/ferry/ferry.sock\ntimeout: 10\n",
      },
    };
  },
);

export const containerdVersion = nodeCheck(
  { id: "containerd-version", title: "A containerd too old for the kubelet", severity: "blocker" },
  function* ({ node }, { targetMinor }) {
    const minor = targetMinor ?? node.kubelet.version?.value.minor;
    const text = runtimeVersion(node.containerd);
    const release = text === undefined ? undefined : parseRelease(text);
    const installed = node.containerd.installed;
    if (minor === undefined || release === undefined || typeof installed !== "object") return;
    const problem = containerdProblem(release, minor);
    if (problem === undefined) return;
    yield {
      says: `containerd ${text ?? ""} is too old for Kubernetes 1.${minor}`,
      severity: minor >= 26 && release[0] === 1 && release[1] < 6 ? "blocker" : "high",
      why: "It is outside of what containerd supports with this version of Kubernetes; before 1.6 it does not speak CRI v1 at all.",
      evidence: [installed.source],
      fix: {
        summary: `Upgrade containerd to ${problem.needs} or newer; the shims of Docker's containers outlive its restart.`,
        links: ["https://github.com/containerd/containerd/blob/main/RELEASES.md#kubernetes-support"],
      },
    };
  },
);

/** dockerd and the kubelet on one containerd: the file is Docker's package's, and its removal takes the runtime along. */
export const sharedContainerd = nodeCheck(
  { id: "shared-containerd", title: "A containerd that Docker depends on", severity: "high" },
  function* ({ node, unit, doctor, packages }) {
    const { docker, containerd: installed } = node;
    if (docker === undefined || installed.installed === undefined || installed.units[0] === undefined) return;
    const address = unit.flags.settings.containerd;
    const evidence: Source[] =
      address === undefined
        ? doctor.files[0] === undefined
          ? []
          : [fileSource(doctor.files[0].path)]
        : [address.source];
    if (evidence.length === 0) return;
    const name = packages.has("containerd") ? "containerd" : "containerd.io";
    const engine = packages.has("docker.io") ? "docker.io" : "docker-ce docker-ce-cli";
    yield {
      says: "Docker runs on the host's own containerd",
      why: `Its configuration may be rewritten, but a removal of Docker that takes the package ${name} along takes the new runtime away.`,
      evidence,
      fix: {
        summary: "Keep the package when Docker is purged; hold it.",
        commands: [`apt-mark hold ${name}`, `apt-get purge ${engine}`],
        links: [
          "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/change-runtime-containerd/",
        ],
      },
    };
  },
);

/** The sandbox image is pulled without any pod's secret, before any pod starts. */
export const sandboxImage = nodeCheck(
  { id: "sandbox-image", title: "A sandbox image that the new runtime may not get", severity: "blocker" },
  function* (survey) {
    yield* doctorFindings(survey, (check) => check.startsWith("containerd-pause-"));
    const image = survey.docker.kubelet.podInfraContainerImage;
    if (image === undefined) return;
    const host = image.value.split("/")[0] ?? "";
    const problem = /^k8s\.(?:gc|grc)\.io$|^registry\.k8s\.com$/.test(host)
      ? "there is no such registry: the name is mistyped"
      : host === "k8s.gcr.io"
        ? "k8s.gcr.io is frozen since April 2023; registry.k8s.io took its place"
        : survey.logins.some(
              ({ inline, helpers }) => inline.some((one) => one.includes(host)) || Object.hasOwn(helpers, host),
            )
          ? "its registry wants a login, which a sandbox image never gets"
          : undefined;
    if (problem === undefined) return;
    yield {
      says: `its sandbox image is ${image.value}`,
      severity: host === "k8s.gcr.io" ? "medium" : "blocker",
      why: `No pod starts without it, and ${problem}.`,
      evidence: [image.source],
      fix: {
        summary: "Name one that is pulled without a login, or carry it over and pin it.",
        patch:
          '# /etc/containerd/config.toml, version 2\n[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "registry.k8s.io/pause:3.10"\n# /etc/ferry/config.toml\n[cri]\nsandbox_image = "registry.k8s.io/pause:3.10"\n',
        links: ["https://github.com/kubernetes/registry.k8s.io"],
      },
    };
  },
);
