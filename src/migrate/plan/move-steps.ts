import { findFlag } from "../host/command-line.ts";
import type { NodeFacts } from "../host/read-node.ts";
import type { PlanInput } from "./plan-input.ts";
import type { KernelNeeds } from "./kernel-needs.ts";
import { dockerPurge, dockerResidue } from "./docker-leftovers.ts";
import { neededPackages } from "./needed-packages.ts";
import { runtimeTargets, startUnits, type CurrentRuntime } from "./runtime-target.ts";
import type { FileChange, Requirement, Step, UnitState } from "./step.ts";
import { chooseSmokeImage } from "./smoke-image.ts";
import { Steps } from "./steps.ts";

/** What is decided, before it is put in order. */
export type Move = {
  readonly input: PlanInput;
  readonly current: CurrentRuntime;
  readonly minor: number;
  readonly kubeletFiles: readonly FileChange[];
  readonly runtimeFiles: readonly FileChange[];
  readonly kernel: KernelNeeds;
};

const runtimeTimeoutMs = 60_000;

/**
 * The steps of a move, in the order that loses least: everything that can be prepared while the node works, then the node
 * without pods, then the change, then proofs.
 *
 * Pods go while Docker is still up, so that their networks are taken down by those who made them; Docker stops before
 * images are read, so that nothing writes what is read; the kubelet starts last.
 */
export function moveSteps(move: Move): readonly Step[] {
  const steps = new Steps();
  prepare(move, steps);
  emptyNode(move, steps);
  stopDocker(move, steps);
  startRuntime(move, steps);
  startKubelet(move, steps);
  prove(move, steps);
  return steps.list;
}

/** What is left on a node whose kubelet uses the target already. */
export function tidySteps(move: Move): readonly Step[] {
  const steps = new Steps();
  const files = move.runtimeFiles.filter(({ path }) => /^\/etc\/(crictl|modules-load|sysctl)/.test(path));
  if (files.length > 0) {
    steps.add(
      {
        id: "files",
        title: "Write what is missing",
        why: "The node works without, until its next boot or crictl's next use.",
      },
      { kind: "write-files", files },
    );
  }
  return steps.list;
}

function prepare(move: Move, steps: Steps): void {
  const { input, runtimeFiles } = move;
  const target = runtimeTargets[input.target];
  steps.add(
    {
      id: "preflight",
      title: "Check what the move needs",
      why: "What is missing is told before anything is changed.",
    },
    { kind: "preflight", require: requirements(move) },
  );
  steps.add(
    {
      id: "snapshot",
      title: "Keep what is there",
      why: "Every file and unit that a later step touches can be put back to the byte.",
    },
    { kind: "snapshot", paths: snapshotPaths(move), units: snapshotUnits(move) },
  );
  if (runtimeFiles.length > 0) {
    steps.add(
      {
        id: "configure-runtime",
        title: `Configure ${target.name}`,
        why: "Before it is installed or started, so that it never runs with other settings; nothing reads them yet.",
      },
      { kind: "write-files", files: runtimeFiles },
    );
  }
  if (!isUpgrade(move)) install(move, steps);
  const { modules, sysctls } = move.kernel;
  if (modules.length > 0) {
    steps.add(
      { id: "modules", title: "Load kernel modules", why: "Docker loaded them; the network of pods needs them." },
      { kind: "load-modules", modules },
    );
  }
  if (Object.keys(sysctls).length > 0) {
    steps.add(
      {
        id: "sysctls",
        title: "Set kernel settings",
        why: "Docker set them; without them pods do not reach each other.",
      },
      { kind: "set-sysctls", values: sysctls },
    );
  }
}

function emptyNode({ input, current }: Move, steps: Steps): void {
  const { facts, options } = input;
  const { node } = facts;
  steps.add(
    { id: "cordon", title: `Cordon ${node}`, why: "No new pods come while the node changes." },
    { kind: "cordon", node },
  );
  if (options.drain !== null) {
    steps.add(
      { id: "drain", title: `Drain ${node}`, why: "Pods move on their own terms, within their disruption budgets." },
      { kind: "drain", node, drain: options.drain },
    );
  }
  const unit = kubeletUnit(input);
  steps.add(
    { id: "stop-kubelet", title: "Stop the kubelet", why: "It would bring back the pods that are taken down next." },
    { kind: "set-units", units: [{ name: unit, active: false }] },
  );
  steps.add(
    {
      id: "remove-pods",
      title: "Remove the remaining pods through Docker",
      why: "While Docker is up, so that addresses and port rules are given back by those who took them.",
    },
    current.t === "cri-dockerd"
      ? { kind: "remove-pods", through: "cri", endpoint: current.endpoint }
      : { kind: "remove-pods", through: "docker", endpoint: dockerEndpoint(facts) },
  );
}

/** Where the kubelet found Docker. */
function dockerEndpoint({ kubelet }: NodeFacts): string {
  return findFlag(kubelet.commandLine, "docker-endpoint")?.value ?? "unix:///var/run/docker.sock";
}

function stopDocker(move: Move, steps: Steps): void {
  const { input } = move;
  if (input.target === "cri-dockerd") return;
  steps.add(
    {
      id: "stop-docker",
      title: "Stop Docker for good",
      why: "With its socket unit, which would start it again at the first client; nothing writes its images from here on.",
    },
    { kind: "set-units", units: dockerUnits(move) },
  );
  if (isUpgrade(move)) install(move, steps);
}

function startRuntime(move: Move, steps: Steps): void {
  const { input } = move;
  const target = runtimeTargets[input.target];
  // k3s starts its own containerd.
  if (input.facts.layout.t === "k3s" && input.target === "containerd") return;
  steps.add(
    {
      id: "start-runtime",
      title: `Start ${target.name}`,
      why: "It is restarted where it runs already, to take its new configuration.",
    },
    { kind: "set-units", units: startUnits(target) },
  );
  steps.add(
    {
      id: "wait-for-runtime",
      title: `Wait for ${target.name}`,
      why: "A configuration it cannot take shows here, while the kubelet still has its old one.",
    },
    { kind: "wait-for-runtime", endpoint: target.endpoint, timeoutMs: runtimeTimeoutMs },
  );
  if (input.options.images === "carry") carryImages(move, steps);
}

/** Into the runtime as it runs: both targets take images through their sockets. */
function carryImages({ input }: Move, steps: Steps): void {
  const { docker } = input.facts;
  if (input.target === "cri-dockerd" || docker === undefined || docker.storageDrivers.length === 0) return;
  steps.add(
    {
      id: "carry-images",
      title: `Carry images into ${runtimeTargets[input.target].name}`,
      why: "Nothing is pulled again, and images that no registry has are kept; each layer is verified on its way.",
    },
    { kind: "carry-images", dataRoot: docker.dataRoot.value, to: input.target },
  );
}

function startKubelet({ input, kubeletFiles }: Move, steps: Steps): void {
  if (kubeletFiles.length > 0) {
    steps.add(
      {
        id: "configure-kubelet",
        title: "Point the kubelet at the new runtime",
        why: "While it is stopped; flags its version does not know would keep it from starting.",
      },
      { kind: "write-files", files: kubeletFiles },
    );
  }
  const name = kubeletUnit(input);
  steps.add(
    { id: "start-kubelet", title: "Start the kubelet", why: "It registers the node with its new runtime." },
    { kind: "set-units", units: [{ name, active: true }] },
  );
}

function prove(move: Move, steps: Steps): void {
  const { input, minor } = move;
  const { facts, options, target } = input;
  const { node, layout } = facts;
  const { prefix, endpoint } = runtimeTargets[target];
  steps.add(
    {
      id: "wait-for-node",
      title: `Wait for ${node} to be Ready`,
      why: `Ready, and with a runtime version of ${prefix}.`,
    },
    { kind: "wait-for-node", node, runtimePrefix: prefix, timeoutMs: nodeTimeout(input) },
  );
  if (layout.t === "kubeadm" && minor <= 33) {
    steps.add(
      {
        id: "annotate",
        title: "Tell kubeadm the new socket",
        why: "Its next upgrade or reset looks at this annotation, and would look for Docker.",
      },
      { kind: "annotate-node", node, key: "kubeadm.alpha.kubernetes.io/cri-socket", value: endpoint },
    );
  }
  if (target !== "cri-dockerd") {
    steps.add(
      {
        id: "sweep",
        title: "Sweep what Docker left behind",
        why: "Bridges and rules of a Docker that is gone mislead people and tools; before the proof, so that it is proven without them.",
      },
      { kind: "sweep-residue", items: dockerResidue() },
    );
  }
  const image = smokeImageOf(input);
  if (image !== null) {
    steps.add(
      {
        id: "smoke-pod",
        title: "Run a pod on the node",
        why: "Ready is what the node says; a pod shows that it works.",
      },
      { kind: "smoke-pod", node, image, timeoutMs: options.nodeTimeoutMs },
    );
  }
  steps.add({ id: "uncordon", title: `Uncordon ${node}`, why: "Pods may come again." }, { kind: "uncordon", node });
  if (facts.docker !== undefined && target !== "cri-dockerd") {
    steps.add(
      {
        id: "purge",
        title: "Remove Docker and its data",
        why: "Only by ferry migrate purge, after a while on the new runtime: nothing goes back afterwards.",
      },
      dockerPurge(facts.docker, facts.os.packageManager),
    );
  }
}

export function smokeImageOf({ options, storedImages }: PlanInput): string | null {
  return options.smokeImage === undefined ? chooseSmokeImage(storedImages) : options.smokeImage;
}

/** On a control plane its own API server has to come up first. */
function nodeTimeout({ facts, options }: PlanInput): number {
  return facts.controlPlane.apiServer ? 2 * options.nodeTimeoutMs : options.nodeTimeoutMs;
}

function kubeletUnit({ facts }: PlanInput): string {
  return facts.layout.t === "k3s" ? facts.layout.unit : "kubelet.service";
}

/** Sockets first: each would start its service again. */
function dockerUnits({ current, input }: Move): UnitState[] {
  const cri = current.t === "cri-dockerd" ? ["cri-docker.socket", "cri-docker.service"] : [];
  const docker = (input.facts.docker?.units ?? [])
    .map(({ name }) => name)
    .sort()
    .reverse();
  return [...cri, ...docker].map((name) => ({ name, active: false, enabled: false }));
}

function needed({ input }: Move): readonly string[] {
  if (input.facts.layout.t === "k3s" && input.target === "containerd") return [];
  return neededPackages(input.facts, input.target, input.runtime.version);
}

/** A containerd that Docker works with is not replaced under it. */
function isUpgrade(move: Move): boolean {
  return move.input.target === "containerd" && move.input.facts.containerd.installed !== undefined;
}

function install(move: Move, steps: Steps): void {
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

function requirements(move: Move): Requirement[] {
  const { input, kubeletFiles, runtimeFiles } = move;
  const files = [...runtimeFiles, ...kubeletFiles];
  return [
    { t: "root" },
    { t: "command", name: "systemctl" },
    { t: "api", node: input.facts.node },
    ...files.map(({ path, expectSha256 }) => ({ t: "unchanged", path, sha256: expectSha256 }) as const),
  ];
}

function snapshotPaths({ input, kubeletFiles, runtimeFiles }: Move): string[] {
  const read = [
    ...(input.facts.kubelet.commandLine?.files ?? []),
    ...(input.facts.kubelet.config === undefined ? [] : [input.facts.kubelet.config]),
    ...(input.facts.docker?.daemonJson === undefined ? [] : [input.facts.docker.daemonJson]),
  ];
  const paths = [...read, ...kubeletFiles, ...runtimeFiles].map(({ path }) => path);
  return [...new Set(paths)].sort();
}

function snapshotUnits(move: Move): string[] {
  const own = runtimeTargets[move.input.target].units;
  return [...new Set([kubeletUnit(move.input), ...dockerUnits(move).map(({ name }) => name), ...own])];
}
