import type { NodeFacts } from "../host/read-node.ts";
import type { PackageManager } from "../host/read-os.ts";
import type { Target } from "./step.ts";

/** Packages that the target lacks on this node; empty when it is complete. */
export function neededPackages(facts: NodeFacts, target: Target, wantedVersion?: string): readonly string[] {
  switch (target) {
    case "containerd":
      return neededContainerd(facts, wantedVersion);
    case "ferry": {
      const hasRuntime = facts.programs.has("crun") || facts.programs.has("runc");
      return [...(facts.programs.has("conmon") ? [] : ["conmon"]), ...(hasRuntime ? [] : ["crun"])];
    }
    case "cri-dockerd":
      return facts.criDockerd.installed === undefined ? ["cri-dockerd"] : [];
    default:
      return target satisfies never;
  }
}

/** From where Docker's own packages came, its `containerd.io` comes too. */
function neededContainerd({ containerd, docker, os }: NodeFacts, wantedVersion: string | undefined): string[] {
  const { installed } = containerd;
  const isRight =
    installed !== undefined &&
    (wantedVersion === undefined || (typeof installed === "object" && installed.value.startsWith(wantedVersion)));
  if (isRight) return [];
  const isDockers = os.packageManager !== "apt" || docker?.units.length === 0 || /~/.test(docker?.version?.value ?? "");
  return [pinned(isDockers ? "containerd.io" : "containerd", wantedVersion, os.packageManager)];
}

function pinned(name: string, version: string | undefined, manager: PackageManager): string {
  if (version === undefined) return name;
  return manager === "apt" ? `${name}=${version}*` : `${name}-${version}*`;
}
