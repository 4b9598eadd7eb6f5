import { findFlag } from "../host/command-line.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { dockerNamespace, hasImagesInContainerd } from "./images-in-containerd.ts";
import { dockerUnits, install, isUpgrade, kubeletUnit, targetUnits, type Move } from "./move.ts";
import { runtimeTargets, startUnits } from "./runtime-target.ts";
import type { CniDirectories } from "./step.ts";
import type { Steps } from "./steps.ts";

const runtimeTimeoutMs = 60_000;

/** Takes the node out of work and its pods off it. */
export function emptyNode({ input, current }: Move, steps: Steps): void {
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
      : { kind: "remove-pods", through: "docker", endpoint: dockerEndpoint(facts), cni: cniDirectories(facts) },
  );
}

/** From Docker to the new runtime, with the images, and the kubelet behind it. */
export function changeRuntime(move: Move, steps: Steps): void {
  stopDocker(move, steps);
  startRuntime(move, steps);
  startKubelet(move, steps);
}

/** Where the kubelet found Docker. */
function dockerEndpoint({ kubelet }: NodeFacts): string {
  return findFlag(kubelet.commandLine, "docker-endpoint")?.value ?? "unix:///var/run/docker.sock";
}

function cniDirectories({ kubelet }: NodeFacts): CniDirectories {
  const flag = (name: string) => findFlag(kubelet.commandLine, name)?.value;
  return {
    config: flag("cni-conf-dir") ?? "/etc/cni/net.d",
    plugins: (flag("cni-bin-dir") ?? "/opt/cni/bin").split(",").filter((path) => path.startsWith("/")),
    cache: flag("cni-cache-dir") ?? "/var/lib/cni/cache",
  };
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
    { kind: "set-units", units: startUnits(targetUnits(move)) },
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
  const { store } = input;
  if (input.target === "containerd" && hasImagesInContainerd(input)) return shareImages(steps);
  if (input.target === "cri-dockerd" || store?.driver === undefined) return;
  steps.add(
    {
      id: "carry-images",
      title: `Carry images into ${runtimeTargets[input.target].name}`,
      why: "Nothing is pulled again, and images that no registry has are kept; each layer is verified on its way.",
    },
    { kind: "carry-images", dataRoot: store.path, driver: store.driver, to: input.target },
  );
}

function shareImages(steps: Steps): void {
  const { endpoint } = runtimeTargets.containerd;
  steps.add(
    {
      id: "share-images",
      title: "Name Docker's images for the kubelet",
      why: "They are in this containerd already, in a namespace where the kubelet does not look; nothing is pulled or copied.",
    },
    { kind: "share-images", endpoint, from: dockerNamespace },
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
