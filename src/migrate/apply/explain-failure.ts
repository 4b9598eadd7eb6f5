/** What kubelets and runtimes say when a move goes wrong, and what is behind it. Sources: the messages' own projects. */
const known: readonly { readonly says: RegExp; readonly means: string }[] = [
  {
    says: /unknown service runtime\.v1|CRI v1 runtime API is not implemented/,
    means: "the runtime's CRI plugin is disabled, failed to load, or is too old for this kubelet (v1 comes with 1.6)",
  },
  {
    says: /unknown flag: --(network-plugin|cni-|docker-endpoint|image-pull-progress|experimental-dockershim)/,
    means: "a dockershim flag is left over: kubelets from 1.24 do not know it",
  },
  {
    says: /unknown flag: --container-runtime(?!-endpoint)/,
    means: "--container-runtime is left over: kubelets from 1.27 do not know it",
  },
  {
    says: /unknown flag: --pod-infra-container-image/,
    means: "--pod-infra-container-image is left over: kubelets from 1.35 do not know it",
  },
  {
    says: /kubelet cgroup driver: .* is different from/,
    means: "kubelet and runtime must use the same cgroup driver",
  },
  {
    says: /expected cgroupsPath to be of format "slice:prefix:name"/,
    means: "the runtime uses the systemd cgroup driver, the kubelet cgroupfs",
  },
  {
    says: /cni plugin not initialized|NetworkPluginNotReady/,
    means: "the runtime finds no network in /etc/cni/net.d",
  },
  {
    says: /failed to get sandbox image/,
    means: "the sandbox image is neither there nor to be pulled without credentials",
  },
  {
    says: /incompatible CNI versions|the version is empty/,
    means: "the network's configuration lacks cniVersion, or its plugins are too old",
  },
  {
    says: /`mirrors` cannot be set when `config_path` is provided/,
    means: "containerd's registry configuration has both styles: move the mirrors to certs.d",
  },
  {
    says: /expected containerd config version equal to or less than/,
    means: "containerd is older than its configuration file",
  },
];

/** One line for each known message in `lines`. */
export function explainFailure(lines: readonly string[]): string[] {
  return known.filter(({ says }) => lines.some((line) => says.test(line))).map(({ means }) => means);
}
