import type { Source } from "../../host/source.ts";
import { runtimeVersion } from "../../host/read-runtime.ts";
import { containerdProblem, parseRelease } from "../runtime-support.ts";
import { fileSource, nodeCheck } from "./node-finding.ts";
import { tableAt } from "./toml-table.ts";

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

export const criPluginDisabled = nodeCheck(
  { id: "cri-plugin-disabled", title: "A containerd without its CRI plugin", severity: "blocker" },
  function* ({ containerd, containerdProblem: problem }) {
    if (problem !== undefined) {
      yield {
        says: "containerd's configuration cannot be read",
        why: `containerd does not start with it: ${problem}.`,
        evidence: [fileSource("/etc/containerd/config.toml", undefined, problem)],
        fix: { summary: "Mend the file, or write it anew.", commands: ["ferry migrate convert --target containerd"] },
      };
    }
    for (const file of containerd ?? []) {
      const disabled = file.tree["disabled_plugins"];
      const cri = Array.isArray(disabled)
        ? disabled.filter(
            (name) =>
              typeof name === "string" &&
              /^(?:cri|io\.containerd\.(?:grpc\.v1\.cri|cri\.v1\.(?:runtime|images)))$/.test(name),
          )
        : [];
      if (cri.length === 0) continue;
      yield {
        says: "containerd's CRI plugin is disabled",
        why: 'As Docker\'s package delivers it; a kubelet that is pointed at this containerd says "unknown service runtime.v1.RuntimeService".',
        evidence: [file.sourceOf(["disabled_plugins"])],
        fix: {
          summary:
            "Write a configuration for Kubernetes, with no cri in disabled_plugins, and restart containerd; Docker's containers live on.",
          commands: ["ferry migrate convert --target containerd", "systemctl restart containerd"],
          patch: "disabled_plugins = []\n",
        },
      };
    }
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

type KeyRule = { readonly path: readonly string[]; readonly says: string; readonly fix: string };
const cri = "io.containerd.grpc.v1.cri";
/** Source: https://github.com/containerd/containerd/blob/main/docs/containerd-2.0.md and RELEASES.md, deprecated features. */
const deprecated: readonly KeyRule[] = [
  ...["systemd_cgroup", "disable_cgroup"].map((key) =>
    rule([key], "is gone in containerd 2.0", "Take it out; the runtime's SystemdCgroup option decides."),
  ),
  rule(
    ["containerd", "untrusted_workload_runtime"],
    "is gone in containerd 2.0",
    "Use a runtime of its own and a RuntimeClass.",
  ),
  rule(
    ["containerd", "default_runtime"],
    "is gone in containerd 2.0",
    "Name one of containerd.runtimes in default_runtime_name.",
  ),
  rule(
    ["registry", "mirrors"],
    "goes with containerd 2.4, and keeps config_path from working",
    "Write hosts.toml below /etc/containerd/certs.d and set config_path.",
  ),
  rule(["registry", "configs"], "goes with containerd 2.4", "Write TLS into hosts.toml, and give pods pull secrets."),
  rule(["registry", "auths"], "goes with containerd 2.4", "Give pods pull secrets."),
  rule(["cni", "bin_dir"], "goes with containerd 2.4", "Use bin_dirs from containerd 2.1 on."),
];

export const deprecatedContainerdKeys = nodeCheck(
  {
    id: "deprecated-containerd-keys",
    title: "Keys and versions of containerd's configuration that go, or are gone",
    severity: "high",
  },
  function* ({ containerd }) {
    for (const file of containerd ?? []) {
      for (const { path, says, fix } of deprecated) {
        const parent = tableAt(file.tree, path.slice(0, -1));
        if (!Object.hasOwn(parent, path.at(-1) ?? "")) continue;
        yield {
          says: `containerd's ${path.slice(2).join(".")} ${says}`,
          why: "A newer containerd passes it over with a warning, or does not load its CRI plugin.",
          evidence: [file.sourceOf(path)],
          fix: { summary: fix },
        };
      }
      for (const [name, runtime] of Object.entries(tableAt(file.tree, ["plugins", cri, "containerd", "runtimes"]))) {
        const type = tableAt(runtime, [])["runtime_type"];
        if (type !== "io.containerd.runtime.v1.linux" && type !== "io.containerd.runc.v1") continue;
        const path = ["plugins", cri, "containerd", "runtimes", name, "runtime_type"];
        yield {
          says: `containerd's runtime ${name} is ${type}`,
          why: "containerd 2.0 does not have it: pods of this runtime do not start.",
          evidence: [file.sourceOf(path)],
          fix: { summary: "Use io.containerd.runc.v2.", patch: 'runtime_type = "io.containerd.runc.v2"\n' },
        };
      }
      if (file.version === 1 && Object.keys(file.tree).some((key) => key === "plugins")) {
        yield {
          says: "containerd's configuration is of version 1",
          why: "Plugins have short names in it that newer containerds may take for another's.",
          severity: "medium",
          evidence: [file.sourceOf(["version"])],
          fix: {
            summary: "Bring it to the version of the installed containerd.",
            commands: ["containerd config migrate"],
          },
        };
      }
    }
  },
);

function rule(path: readonly string[], says: string, fix: string): KeyRule {
  return { path: ["plugins", cri, ...path], says, fix };
}

/** dockerd and the kubelet on one containerd: the file is Docker's package's, and its removal takes the runtime along. */
export const sharedContainerd = nodeCheck(
  { id: "shared-containerd", title: "A containerd that Docker depends on", severity: "high" },
  function* ({ node, unit, containerd }) {
    const { docker, containerd: installed } = node;
    if (docker === undefined || installed.installed === undefined || installed.unit === undefined) return;
    const address = unit.flags.settings.containerd;
    const evidence: Source[] =
      address === undefined
        ? containerd?.[0] === undefined
          ? []
          : [fileSource(containerd[0].path)]
        : [address.source];
    if (evidence.length === 0) return;
    yield {
      says: "Docker runs on the host's own containerd",
      why: "Its configuration may be rewritten, but a removal of Docker that takes the package containerd.io along takes the new runtime away.",
      evidence,
      fix: {
        summary: "Keep the package when Docker is purged; hold it.",
        commands: ["apt-mark hold containerd.io", "apt-get purge docker-ce docker-ce-cli"],
        links: [
          "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/change-runtime-containerd/",
        ],
      },
    };
  },
);

const frozen = /^k8s\.gcr\.io\//;
const mistyped = /^(?:k8s\.gc\.io|k8s\.grc\.io|registry\.k8s\.com|registry\.k8.io)\//;

/** The sandbox image is pulled without any pod's secret, before any pod starts. */
export const sandboxImage = nodeCheck(
  { id: "sandbox-image", title: "A sandbox image that the new runtime may not get", severity: "blocker" },
  function* ({ node, docker, containerd, logins }) {
    const kubelet = docker.kubelet.podInfraContainerImage;
    const configured = (containerd ?? []).flatMap((file) => {
      const old = tableAt(file.tree, ["plugins", cri])["sandbox_image"];
      const pinned = tableAt(file.tree, ["plugins", "io.containerd.cri.v1.images", "pinned_images"])["sandbox"];
      const path =
        typeof old === "string"
          ? ["plugins", cri, "sandbox_image"]
          : ["plugins", "io.containerd.cri.v1.images", "pinned_images", "sandbox"];
      const value = old ?? pinned;
      return typeof value === "string" ? [{ value, source: file.sourceOf(path) }] : [];
    });
    const all = [...(kubelet === undefined ? [] : [kubelet]), ...configured];
    for (const { value, source } of all) {
      const host = value.split("/")[0] ?? "";
      const hasLogin = logins.some(
        ({ inline, helpers }) => inline.some((one) => one.includes(host)) || Object.hasOwn(helpers, host),
      );
      const problem = mistyped.test(value)
        ? "no such registry: the name is mistyped"
        : frozen.test(value)
          ? "k8s.gcr.io is frozen since 2023; registry.k8s.io took its place"
          : hasLogin
            ? "its registry wants a login, which a sandbox image never gets"
            : undefined;
      if (problem === undefined) continue;
      yield {
        says: `its sandbox image is ${value}`,
        severity: frozen.test(value) ? "medium" : "blocker",
        why: `No pod starts without it, and ${problem}.`,
        evidence: [source],
        fix: {
          summary: "Name one that is pulled without a login, or carry it over and pin it.",
          patch:
            '# /etc/containerd/config.toml, version 2\nsandbox_image = "registry.k8s.io/pause:3.10"\n# /etc/ferry/config.toml\nsandbox_image = "registry.k8s.io/pause:3.10"\n',
          links: ["https://github.com/kubernetes/registry.k8s.io"],
        },
      };
    }
    const [own] = configured;
    if (kubelet === undefined || own === undefined || kubelet.value === own.value) return;
    yield {
      says: `kubelet and containerd name different sandbox images`,
      severity: "medium",
      why: `Up to 1.34 the kubelet keeps ${kubelet.value} from its image collection, not the ${own.value} that is used (${node.kubelet.version === undefined ? "version not known" : `1.${node.kubelet.version.value.minor}`}).`,
      evidence: [kubelet.source, own.source],
      fix: { summary: "Name the same image in both, or take --pod-infra-container-image out and pin the runtime's." },
    };
  },
);
