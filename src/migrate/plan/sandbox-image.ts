import { findFlag } from "../host/command-line.ts";
import type { KubeletFacts } from "../host/read-kubelet.ts";

/** From each minor on. Source: kubernetes `cmd/kubelet/app/options/container_runtime.go`, `cmd/kubeadm/app/constants`. */
const defaults: readonly (readonly [minor: number, image: string])[] = [
  [0, "k8s.gcr.io/pause:3.1"],
  [18, "k8s.gcr.io/pause:3.2"],
  [21, "k8s.gcr.io/pause:3.4.1"],
  [22, "k8s.gcr.io/pause:3.5"],
  [23, "k8s.gcr.io/pause:3.6"],
  [24, "k8s.gcr.io/pause:3.7"],
  [25, "registry.k8s.io/pause:3.8"],
  [26, "registry.k8s.io/pause:3.9"],
  [31, "registry.k8s.io/pause:3.10"],
  [34, "registry.k8s.io/pause:3.10.1"],
];

/**
 * The sandbox image the runtime must be told: what the kubelet was told, else the default of its version.
 *
 * Equal on both sides, since the kubelet's image collection (until 1.34) spares the one it knows, and the one it knew under
 * Docker is on the node already: sandbox images are pulled without credentials, so one that is there needs no registry.
 */
export function sandboxImageOf(kubelet: KubeletFacts): string {
  const said = findFlag(kubelet.commandLine, "pod-infra-container-image")?.value;
  const minor = kubelet.version?.value.minor ?? 0;
  return said ?? defaults.findLast(([since]) => minor >= since)?.[1] ?? "registry.k8s.io/pause:3.10";
}
