import { EngineError } from "#base/errors.ts";
import { findFlag } from "../host/command-line.ts";
import { formatKubernetesVersion } from "../host/kubernetes-version.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { changeKubelet } from "./change-kubelet.ts";
import { checkSupport } from "./check-support.ts";
import { FileDrafts } from "./file-drafts.ts";
import { findKernelNeeds, writeKernelNeeds, type KernelNeeds } from "./kernel-needs.ts";
import { managedCommands, type ManagedMove } from "./managed-commands.ts";
import { moveSteps, tidySteps } from "./move-steps.ts";
import type { Move } from "./move.ts";
import { arrivedNotes, nodeNotes } from "./node-notes.ts";
import { changeK3s } from "./change-k3s.ts";
import type { PlanInput } from "./plan-input.ts";
import { findCurrentRuntime, runtimeTargets, type CurrentRuntime } from "./runtime-target.ts";
import type { Plan } from "./step.ts";

/** A node's plan; for nodes of a managed pool, what to run instead. */
export type PlanOutcome =
  | { readonly t: "plan"; readonly plan: Plan }
  | ({ readonly t: "managed"; readonly provider: "eks" | "gke" | "aks"; readonly node: string } & ManagedMove);

/**
 * Decides everything a node's move needs, from facts alone: which files change to what, which units, in which order.
 *
 * A node that is there already gets a plan without steps, or with those that are left.
 *
 * @throws failedPrecondition when the host is no node, its kubelet's version is not known, or the target cannot work here
 */
export function planNode(input: PlanInput): PlanOutcome {
  const { facts } = input;
  if (facts.layout.t === "managed") {
    const { provider } = facts.layout;
    const commands = managedCommands(provider, facts.kubelet.version?.value.minor);
    return { t: "managed", provider, node: facts.node, ...commands };
  }
  checkLayout(facts);
  const version = facts.kubelet.version?.value;
  if (version === undefined) {
    throw new EngineError(
      "failedPrecondition",
      `node ${facts.node === "" ? "of this root" : facts.node}: the kubelet's version is not known; say it with --kubelet-version`,
    );
  }
  const current = findCurrentRuntime(facts);
  const kubelet = new FileDrafts();
  const runtime = new FileDrafts();
  const notes = [...checkSupport(input, version.minor), ...input.runtime.notes];
  notes.push(...draftFiles(input, version.minor, { kubelet, runtime }));
  const move: Move = {
    input,
    current,
    minor: version.minor,
    kubeletFiles: kubelet.changes(),
    runtimeFiles: runtime.changes(),
    kernel: kernelNeeds(input),
  };
  const isThere = current.t === input.target && move.kubeletFiles.length === 0;
  if (!isThere) checkSource(facts, current);
  const steps = isThere ? tidySteps(move) : moveSteps(move);
  return {
    t: "plan",
    plan: {
      version: 1,
      node: facts.node,
      target: input.target,
      madeAt: input.madeAt,
      from: {
        kubelet: formatKubernetesVersion(version),
        runtime: runtimeText(facts, current),
        layout: layoutText(facts),
      },
      steps,
      notes: isThere ? arrivedNotes(input, steps.length) : [...nodeNotes(move), ...notes],
    },
  };
}

function draftFiles(input: PlanInput, minor: number, drafts: { kubelet: FileDrafts; runtime: FileDrafts }): string[] {
  const { facts, target } = input;
  const { endpoint, units } = runtimeTargets[target];
  const textOf = (path: string) => facts.files.get(path)?.text;
  for (const file of input.runtime.files) {
    drafts.runtime.edit(file.path, file.before, () => file.content, file.why, file.mode);
  }
  writeKernelNeeds(kernelNeeds(input), drafts.runtime, textOf);
  if (facts.layout.t === "k3s") return changeK3s(facts, target, endpoint, drafts.kubelet);
  // Both sides must agree on cgroups; the rest is for where nobody said something else.
  const isForced = ({ field }: { readonly field: string }) => field === "cgroupDriver";
  const { kubeletFields } = input.runtime;
  const wish = {
    minor,
    endpoint,
    unit: target === "cri-dockerd" ? undefined : units[0],
    fields: kubeletFields.filter(isForced),
    defaults: kubeletFields.filter((edit) => !isForced(edit)),
  };
  return changeKubelet(facts, wish, drafts.kubelet);
}

/** Docker goes on to do its part where it stays. */
function kernelNeeds({ facts, target }: PlanInput): KernelNeeds {
  return target === "cri-dockerd" ? { modules: [], sysctls: {} } : findKernelNeeds(facts.kernel);
}

function checkLayout({ layout, node }: NodeFacts): void {
  const refuse = (why: string): never => {
    throw new EngineError("failedPrecondition", `node ${node}: ${why}`);
  };
  if (layout.t === "none") refuse("no kubelet is set up here: neither kubeadm, a kubelet unit, k3s nor RKE2");
  if (layout.t === "rke2") refuse("RKE2 comes with containerd and never ran Docker");
  if (layout.t === "rke") {
    refuse(
      "RKE runs the kubelet itself in Docker, so Docker cannot go under it; move the cluster to RKE2 or k3s instead",
    );
  }
  if (layout.t === "microk8s") refuse("MicroK8s comes with containerd since 1.14: nothing to move");
}

/** There must be a Docker to leave. */
function checkSource({ docker, node }: NodeFacts, current: CurrentRuntime): void {
  if (current.t === "dockershim" || current.t === "cri-dockerd" || docker !== undefined) return;
  throw new EngineError(
    "failedPrecondition",
    `node ${node}: uses ${current.endpoint} and has no Docker; this plans the way away from Docker only`,
  );
}

function runtimeText({ docker }: NodeFacts, current: CurrentRuntime): string {
  const version = docker?.version === undefined ? "" : ` ${docker.version.value}`;
  if (current.t === "dockershim") return `docker${version} (dockershim)`;
  return current.t === "cri-dockerd" ? `docker${version} (cri-dockerd)` : current.endpoint;
}

function layoutText({ layout, kubelet }: NodeFacts): string {
  if (layout.t === "kubeadm") return `kubeadm (${layout.era})`;
  if (layout.t === "config-dir") return `--config-dir ${layout.directory}`;
  if (layout.t === "k3s") return layout.unit;
  const place = findFlag(kubelet.commandLine, "container-runtime-endpoint")?.path ?? kubelet.unit?.files.at(-1)?.path;
  return `systemd (${place ?? "no unit"})`;
}
