import { findFlag } from "../host/command-line.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { hasImagesInContainerd } from "./images-in-containerd.ts";
import type { Move } from "./move.ts";
import type { PlanInput } from "./plan-input.ts";
import { smokeImageOf } from "./prove-steps.ts";
import { fallbackSmokeImage } from "./smoke-image.ts";

/** What the reader of a plan must know or decide, from the weightiest on. */
export function nodeNotes(move: Move): string[] {
  const { facts, target } = move.input;
  return [
    ...controlPlaneNotes(facts),
    ...dockerNotes(facts, target === "cri-dockerd"),
    ...storeNotes(move.input),
    ...networkNotes(facts),
    ...kubeletNotes(facts),
    ...smokeNotes(move.input),
    ...(target === "cri-dockerd" && facts.criDockerd.installed === undefined
      ? [
          "cri-dockerd is in no distribution's packages: install it from https://github.com/Mirantis/cri-dockerd/releases first, or have it in a repository of yours",
        ]
      : []),
  ];
}

/** What is to be known of a node that is on its target already. */
export function arrivedNotes({ facts, target }: PlanInput, left: number): string[] {
  const notes = [left === 0 ? "nothing to do: the node is there already" : "the node is there already; this is left"];
  const running = facts.docker?.units.filter(({ active, enabled }) => enabled || active === true) ?? [];
  if (target === "cri-dockerd" || running.length === 0) return notes;
  const names = running.map(({ name }) => name).join(" ");
  return [
    ...notes,
    `Docker still runs, and nothing of Kubernetes uses it; if nothing else does: systemctl disable --now ${names}`,
  ];
}

function controlPlaneNotes({ controlPlane, node }: NodeFacts): string[] {
  if (!controlPlane.apiServer && !controlPlane.etcd) return [];
  const what = [...(controlPlane.apiServer ? ["API server"] : []), ...(controlPlane.etcd ? ["etcd member"] : [])];
  return [
    `${node} is a control plane node: its ${what.join(" and ")} ${what.length > 1 ? "are" : "is"} down from removing the pods until the kubelet has started; do one such node at a time`,
  ];
}

function dockerNotes({ docker }: NodeFacts, staysDocker: boolean): string[] {
  if (docker === undefined) return [];
  const notes: string[] = [];
  if (docker.settings["live-restore"]?.value === true && !staysDocker) {
    notes.push(
      "live-restore is on: containers outside Kubernetes run on without Docker; stop them first, or they keep their ports",
    );
  }
  const driver = docker.settings["log-driver"]?.value ?? "json-file";
  if (!staysDocker && driver !== "json-file" && driver !== "local") {
    notes.push(
      `logs go to ${driver} now, and to files below /var/log/pods then: a collector must take them from there`,
    );
  }
  return notes;
}

function storeNotes(input: PlanInput): string[] {
  const { store, target, options } = input;
  if (store === undefined || target === "cri-dockerd") return [];
  const { path, driver, drivers, otherContainers } = store;
  const notes: string[] = [];
  if (otherContainers.length > 0) {
    const names = otherContainers.slice(0, 5).join(", ");
    notes.push(
      `${otherContainers.length} container${otherContainers.length === 1 ? "" : "s"} outside Kubernetes end${otherContainers.length === 1 ? "s" : ""} with Docker: ${names}${otherContainers.length > 5 ? ", …" : ""}`,
    );
  }
  if (options.images === "none") return notes;
  if (hasImagesInContainerd(input)) {
    if (target === "ferry")
      notes.push(
        "Docker keeps its images in containerd: none are carried to Ferry, they are pulled again; while Docker runs, docker save and ferry load bring over what no registry has",
      );
  } else if (drivers.length === 0) {
    notes.push(`${path} has no images of a storage driver: none are carried, they are pulled again`);
  } else if (driver === undefined) {
    notes.push(
      `images of ${drivers.join(", ")} cannot be read where they lie: none are carried; while Docker runs, docker save and ferry load bring over what no registry has`,
    );
  } else if (drivers.length > 1) {
    notes.push(`${path} has images of ${drivers.join(", ")}: those of ${driver} are carried`);
  }
  return notes;
}

function networkNotes({ cni, kubelet, layout, node }: NodeFacts): string[] {
  if (layout.t === "k3s") return [];
  const notes: string[] = [];
  if (cni.configFiles.length === 0) {
    notes.push(
      `${node} has no CNI configuration: it stays NotReady ("cni plugin not initialized") until the network's pods write one`,
    );
  }
  if (cni.configFiles.length > 1) {
    notes.push(
      `several CNI configurations: ${cni.configFiles[0] ?? ""} comes first and is taken (${cni.configFiles.join(", ")})`,
    );
  }
  const directories = findFlag(kubelet.commandLine, "cni-bin-dir")?.value?.split(",") ?? [];
  if (directories.length > 1)
    notes.push(`CNI plugins are in ${directories.join(" and ")}: see that the runtime looks in each`);
  return notes;
}

function smokeNotes(input: PlanInput): string[] {
  if (smokeImageOf(input) !== fallbackSmokeImage || input.options.smokeImage !== undefined) return [];
  return [
    `the pod that proves the node needs ${fallbackSmokeImage}, which is not on it: name one it can pull with --smoke-image, or none with --smoke-image ''`,
  ];
}

/** Files that were changed since the kubelet started take effect with the move. */
function kubeletNotes({ kubelet }: NodeFacts): string[] {
  const running = kubelet.running?.value;
  if (running === undefined || kubelet.commandLine === undefined) return [];
  const flags = new Map(kubelet.commandLine.flags.map(({ name, value }) => [name, value ?? "true"]));
  const other = running.slice(1).flatMap((word) => {
    const match = /^--([\w-]+)=(.*)$/.exec(word);
    const name = (match?.[1] ?? "").replaceAll("_", "-");
    return match !== null && flags.get(name) !== match[2] ? [`--${name}=${match[2] ?? ""}`] : [];
  });
  if (other.length === 0) return [];
  return [
    `the running kubelet was started with other flags than its files say (${other.join(" ")}): the files count after its restart`,
  ];
}
