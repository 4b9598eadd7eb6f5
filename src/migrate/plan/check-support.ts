import { EngineError } from "#base/errors.ts";
import { findFlag } from "../host/command-line.ts";
import { findKubeletSetting } from "../host/read-kubelet.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { checkCriDockerd } from "./check-cri-dockerd.ts";
import type { PlanInput } from "./plan-input.ts";
import { isBefore, parseVersion, type Version } from "./program-version.ts";

/** Oldest containerd of each series that a Kubernetes minor is supported with. Source: containerd RELEASES.md. */
const supported: readonly (readonly [kubernetes: number, containerd: readonly string[]])[] = [
  [24, ["1.6.4", "1.7.0"]],
  [26, ["1.6.15", "1.7.0"]],
  [29, ["1.6.27", "1.7.11"]],
  [32, ["1.7.24", "2.0.1", "2.1.0"]],
  [33, ["1.7.24", "2.0.4", "2.1.0"]],
  [34, ["1.7.28", "2.0.6", "2.1.3"]],
  [35, ["1.7.28", "2.1.5", "2.2.0"]],
  [36, ["2.2.0", "2.3.0"]],
];

/**
 * Whether kubelet and target can speak to each other at all; answers what works but should be known.
 *
 * @throws failedPrecondition for what cannot work
 */
export function checkSupport(input: PlanInput, minor: number): string[] {
  const { facts } = input;
  const notes: string[] = [];
  checkNetwork(facts);
  // k3s brings the containerd that fits it.
  if (input.target === "containerd" && facts.layout.t !== "k3s")
    notes.push(...checkContainerd(input.runtime.version, minor));
  if (input.target === "cri-dockerd") notes.push(...checkCriDockerd(facts, minor));
  const accepts = findKubeletSetting(facts.kubelet, { field: "failCgroupV1" })?.value === "false";
  if (facts.kernel.cgroupVersion === 1 && minor >= 31) {
    notes.push(
      minor >= 35 && !accepts
        ? "cgroup v1: kubelet 1.35 and later end at start on it; boot with cgroup v2, or set failCgroupV1: false for now"
        : "cgroup v1: kubelet 1.35 and later refuse it unless told otherwise; plan the change to cgroup v2",
    );
  }
  return notes;
}

/** A network that only dockershim can make has no successor by itself. */
function checkNetwork({ kubelet, node }: NodeFacts): void {
  if (findFlag(kubelet.commandLine, "network-plugin")?.value !== "kubenet") return;
  throw new EngineError(
    "failedPrecondition",
    `node ${node}: the pod network is kubenet, which goes with dockershim; install a CNI network for the cluster first`,
  );
}

function checkContainerd(text: string | undefined, minor: number): string[] {
  const version = text === undefined ? undefined : parseVersion(text);
  if (version === undefined) return ["containerd's version is not known: its support for this kubelet is not checked"];
  const name = `containerd ${version.major}.${version.minor}`;
  if (minor >= 26 && isBefore(version, { major: 1, minor: 6, patch: 0 })) {
    throw new EngineError(
      "failedPrecondition",
      `${name}: kubelet 1.${minor} speaks CRI v1 only, which containerd has from 1.6 on; choose --containerd-version 1.7`,
    );
  }
  if (minor < 23 && version.major >= 2) {
    throw new EngineError(
      "failedPrecondition",
      `${name}: kubelet 1.${minor} speaks CRI v1alpha2 only, which containerd 2 no longer has; choose --containerd-version 1.7`,
    );
  }
  const wanted = supported.findLast(([since]) => minor >= since)?.[1];
  if (wanted === undefined || isIn(version, wanted)) return [];
  const list = wanted.map((one) => `${one}+`).join(", ");
  return [
    `${name} is not in containerd's support matrix for Kubernetes 1.${minor} (${list}): it is expected to work, and untested`,
  ];
}

/** Of its own series or a later one at least the oldest that is named. Without a patch (`1.7`), the newest is meant. */
function isIn(version: Version, oldest: readonly string[]): boolean {
  const known = oldest.map((text) => parseVersion(text)).filter((one) => one !== undefined);
  const series = known.find((one) => one.major === version.major && one.minor === version.minor);
  if (series !== undefined) return version.patch >= series.patch;
  const last = known.at(-1);
  return last !== undefined && !isBefore(version, last);
}
