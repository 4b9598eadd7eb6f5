import { install, isUpgrade, kubeletUnit, dockerUnits, targetUnits, type Move } from "./move.ts";
import { reserveBytes } from "../images/check-space.ts";
import type { Room } from "../images/forecast-store.ts";
import type { StoreFacts } from "./plan-input.ts";
import { runtimeTargets } from "./runtime-target.ts";
import type { Requirement } from "./step.ts";
import type { Steps } from "./steps.ts";

/** What can be done while the node works. */
export function prepare(move: Move, steps: Steps): void {
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

function requirements(move: Move): Requirement[] {
  const { input, kubeletFiles, runtimeFiles } = move;
  const files = [...runtimeFiles, ...kubeletFiles];
  return [
    { t: "root" },
    { t: "command", name: "systemctl" },
    { t: "api", node: input.facts.node },
    ...roomForImages(move),
    ...files.map(({ path, expectSha256 }) => ({ t: "unchanged", path, sha256: expectSha256 }) as const),
  ];
}

/** What the images will take, told before the node is emptied. Only where none were carried before. */
function roomForImages({ input }: Move): Requirement[] {
  const { store, target, facts, options } = input;
  if (options.images === "none" || target === "cri-dockerd" || store?.driver === undefined) return [];
  const { hasContent, root } = target === "ferry" ? facts.ferry : facts.containerd;
  if (hasContent) return [];
  const { bytes, inodes } = roomIn(target, store);
  // What carrying them keeps free then is asked for now.
  return bytes === 0 ? [] : [{ t: "free-space", path: root, bytes: bytes + reserveBytes, inodes }];
}

/** containerd keeps archives and trees, Ferry trees and what archives are rebuilt from. */
function roomIn(target: "ferry" | "containerd", { forecast, layerBytes, besides }: StoreFacts): Room {
  const isShared = besides.includes(target);
  if (forecast === undefined) {
    const trees = isShared ? 0.1 : 1;
    return { bytes: Math.ceil(layerBytes * (target === "ferry" ? trees : 1 + trees)), inodes: 0 };
  }
  const { trees, sharable, recipes, archives } = forecast;
  const beside = target === "ferry" ? recipes : archives;
  const shared = isShared ? sharable : { bytes: 0, inodes: 0 };
  return {
    bytes: trees.bytes + beside.bytes - shared.bytes,
    inodes: trees.inodes + beside.inodes - shared.inodes,
  };
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
  const own = targetUnits(move);
  return [...new Set([kubeletUnit(move.input), ...dockerUnits(move).map(({ name }) => name), ...own])];
}
