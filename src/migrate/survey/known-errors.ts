import type { Fix } from "../assess/finding.ts";

/** A message that people see around a change of runtime: what it means, and what helps. */
export type KnownError = {
  readonly id: string;
  readonly pattern: RegExp;
  readonly cause: string;
  readonly fix: Fix;
};

/** Sources: the issues and pages in `links`; where there are none, the message is the program's own. */
export const knownErrors: readonly KnownError[] = [
  known(
    "cri-not-served",
    /unknown service runtime\.v1(?:alpha2)?\.RuntimeService|CRI v1 runtime API is not implemented/,
    "The runtime serves no CRI of this version: its CRI plugin is disabled or did not load, or containerd is older than 1.6 with a kubelet from 1.26 on.",
    'Take "cri" out of disabled_plugins in /etc/containerd/config.toml, or upgrade containerd; look for the plugin\'s own error: journalctl -u containerd | grep -i cri.',
    ["https://github.com/containerd/containerd/issues/8139"],
  ),
  known(
    "unknown-kubelet-flag",
    /unknown flag: --(?:network-plugin|container-runtime|pod-infra-container-image|cni-[\w-]+|docker-endpoint|image-pull-progress-deadline)\b/,
    "This kubelet does not know the flag any more, and does not start.",
    "Take the flag out of every file that passes it: kubeadm-flags.env, /etc/default/kubelet, the unit's drop-ins.",
    ["https://github.com/cilium/cilium/issues/21311"],
  ),
  known(
    "several-endpoints",
    /Found multiple CRI endpoints on the host/,
    "kubeadm sees the sockets of several runtimes.",
    "Name one with --cri-socket or nodeRegistration.criSocket.",
  ),
  known(
    "endpoint-without-scheme",
    /CRI endpoints without URL scheme is deprecated/,
    "The socket is given as a bare path.",
    "Write unix:// before it, in the node's annotation and in the kubelet's configuration.",
  ),
  known(
    "docker-required",
    /docker is required for container runtime/,
    "kubeadm's annotation on the node still says dockershim.",
    "Annotate the node with the new socket: kubeadm.alpha.kubernetes.io/cri-socket.",
    ["https://github.com/kubernetes/kubeadm/issues/2364"],
  ),
  known(
    "cgroup-driver-differs",
    /kubelet cgroup driver: "?\w+"? is different from docker cgroup driver/,
    "Kubelet and Docker use different cgroup drivers.",
    "Set native.cgroupdriver=systemd in daemon.json and cgroupDriver: systemd in the kubelet's configuration.",
  ),
  known(
    "cgroups-path-format",
    /expected cgroupsPath to be of format "slice:prefix:name"/,
    "The runtime uses the systemd driver and the kubelet cgroupfs.",
    "Set cgroupDriver: systemd in the kubelet's configuration.",
    ["https://github.com/containerd/containerd/issues/4857"],
  ),
  known(
    "cgroup-parent-slice",
    /cgroup-parent for systemd cgroup should be a valid slice/,
    "Docker uses the systemd driver and the kubelet cgroupfs.",
    "Set cgroupDriver: systemd in the kubelet's configuration.",
    ["https://github.com/kubernetes/kubeadm/issues/1501"],
  ),
  known(
    "sandbox-changed",
    /SandboxChanged|cleaning up after shim disconnected/,
    "Pods are made again in waves; mostly SystemdCgroup = false on a host with systemd.",
    "Set SystemdCgroup = true on every runtime in containerd's configuration.",
    ["https://github.com/containerd/containerd/issues/7276"],
  ),
  known(
    "sandbox-image",
    /failed to get sandbox image/,
    "The sandbox image cannot be pulled: it is private, blocked, or was collected.",
    "Name a sandbox image that is reachable without a login, or carry it over and pin it.",
    ["https://github.com/awslabs/amazon-eks-ami/issues/1597"],
  ),
  known(
    "cni-not-initialized",
    /cni plugin not initialized|NetworkPluginNotReady/,
    "The runtime finds no CNI configuration.",
    "Give the runtime the directories that the kubelet had: conf_dir and bin_dir; see that the network add-on runs on the node.",
  ),
  known(
    "cni-versions",
    /incompatible CNI versions|invalid version "": the version is empty/,
    "The CNI plugins are older than their configuration, or it names no cniVersion.",
    "Upgrade the plugins, add cniVersion, and use containerd 1.6.4 or newer.",
    [
      "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/troubleshooting-cni-plugin-related-errors/",
    ],
  ),
  known(
    "mirrors-and-config-path",
    /`mirrors` cannot be set when `config_path` is provided/,
    "Both ways of naming registries are in containerd's configuration: its CRI plugin does not load.",
    "Move the mirrors to /etc/containerd/certs.d and take [registry.mirrors] out; ferry migrate convert does.",
  ),
  known(
    "bin-dir-twice",
    /`cni\.bin_dir` and `cni\.bin_dirs` cannot be set at the same time/,
    "containerd 2.1 and newer take one of them.",
    "Keep bin_dirs.",
  ),
  known(
    "default-runtime-missing",
    /no corresponding runtime configured in `containerd\.runtimes`/,
    "The default runtime has no table of its own.",
    "Add the runtime, or name another default.",
  ),
  known(
    "config-too-new",
    /expected containerd config version equal to or less than/,
    "The configuration was written for a newer containerd.",
    "Put the old file back, or upgrade containerd.",
  ),
  known(
    "local-pull-fallback",
    /Falling back to local image pull mode/,
    "A key of the CRI configuration keeps containerd 2.1 and newer from its transfer service.",
    "Take the key that the line names out, if pulls are to use it; nothing is broken otherwise.",
  ),
  known(
    "http-registry",
    /server gave HTTP response to HTTPS client/,
    "An insecure registry was not carried over.",
    "Write its hosts.toml; ferry migrate convert does, from insecure-registries.",
  ),
  known(
    "docker-socket-gone",
    /Cannot connect to the Docker daemon at unix:\/\/\/(?:var\/)?run\/docker\.sock/,
    "Something still calls Docker.",
    "Find it by the checks of sockets and scripts in this report.",
  ),
  known(
    "log-parser",
    /pattern not matched: "\d{4}-\d\d-\d\dT/,
    "A log collector parses CRI lines as JSON.",
    "Give it a CRI parser: ferry migrate logs settings.",
    ["https://github.com/fluent/fluentd-kubernetes-daemonset/issues/434"],
  ),
  known(
    "log-reopen",
    /docker does not support reopening container log files/,
    "cri-dockerd cannot rotate logs for the kubelet.",
    "Set Docker's log-opts max-size and raise containerLogMaxSize, or leave Docker.",
    ["https://github.com/Mirantis/cri-dockerd/issues/35"],
  ),
  known(
    "docker-api-too-old",
    /client version [\d.]+ is too old\. Minimum supported API version/,
    "Docker 29 refuses old clients, cri-dockerd among them.",
    'Upgrade the client, or set "min-api-version" in daemon.json.',
  ),
  known(
    "runtime-down",
    /container runtime is down|PLEG is not healthy/,
    "The runtime does not run, or hangs.",
    "Start and enable its unit, and look at its journal.",
  ),
  known(
    "low-port",
    /bind: permission denied/,
    "A process that is not root wants a port below 1024, which this runtime does not allow by default.",
    "Set enable_unprivileged_ports = true (containerd 1.x), or the pod's sysctl net.ipv4.ip_unprivileged_port_start.",
  ),
  known(
    "image-never-pulled",
    /ErrImageNeverPull|ImageInspectError/,
    "The image is not in the runtime's store.",
    "Carry it over with ferry migrate images, or push it to a registry.",
  ),
];

function known(id: string, pattern: RegExp, cause: string, summary: string, links: readonly string[] = []): KnownError {
  return { id, pattern, cause, fix: { summary, ...(links.length === 0 ? {} : { links }) } };
}
