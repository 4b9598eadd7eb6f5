import type { KernelNeeds } from "./kernel-needs.ts";
import { neededPackages } from "./needed-packages.ts";
import type { PlanInput } from "./plan-input.ts";
import { runtimeTargets, type CurrentRuntime } from "./runtime-target.ts";
import type { FileChange, UnitState } from "./step.ts";
import type { Steps } from "./steps.ts";

/** What is decided, before it is put in order. */
export type Move = {
  readonly input: PlanInput;
  readonly current: CurrentRuntime;
  readonly minor: number;
  readonly kubeletFiles: readonly FileChange[];
  readonly runtimeFiles: readonly FileChange[];
  readonly kernel: KernelNeeds;
};

/** The unit that the kubelet runs in. */
export function kubeletUnit({ facts }: PlanInput): string {
  return facts.layout.t === "k3s" ? facts.layout.unit : "kubelet.service";
}

/** Units of the target: those that are there, else those its package brings. */
export function targetUnits({ input: { facts, target } }: Move): readonly string[] {
  const { units } = runtimeTargets[target];
  if (target !== "cri-dockerd" || facts.criDockerd.units.length === 0) return units;
  return facts.criDockerd.units.map(({ name }) => name);
}

/** Sockets first: each would start its service again. */
export function dockerUnits({ current, input }: Move): UnitState[] {
  const cri = current.t === "cri-dockerd" ? input.facts.criDockerd.units.map(({ name }) => name) : [];
  const docker = (input.facts.docker?.units ?? [])
    .map(({ name }) => name)
    .sort()
    .reverse();
  return [...cri, ...docker].map((name) => ({ name, active: false, enabled: false }));
}

/** A containerd that Docker works with is not replaced under it. */
export function isUpgrade(move: Move): boolean {
  return move.input.target === "containerd" && move.input.facts.containerd.installed !== undefined;
}

/** A step for the packages that the target lacks, if any. */
export function install(move: Move, steps: Steps): void {
  const packages = needed(move);
  if (packages.length === 0) return;
  const manager = move.input.facts.os.packageManager;
  steps.add(
    {
      id: "install",
      title: `Install ${packages.join(", ")}`,
      why: isUpgrade(move) ? "Docker no longer works with the version that is there." : "The runtime is not there yet.",
    },
    { kind: "install-packages", manager, packages },
  );
}

function needed({ input }: Move): readonly string[] {
  if (input.facts.layout.t === "k3s" && input.target === "containerd") return [];
  return neededPackages(input.facts, input.target, input.runtime.version);
}
