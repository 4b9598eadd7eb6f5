import { EngineError } from "#base/errors.ts";
import { findFlag } from "../host/command-line.ts";
import { findKubeletSetting } from "../host/read-kubelet.ts";
import type { K3sFacts, NodeFacts } from "../host/read-node.ts";
import { targets, type Target, type UnitState } from "./step.ts";

/** What a target is called and where it answers. */
export type RuntimeTarget = {
  readonly target: Target;
  /** For people. */
  readonly name: string;
  readonly endpoint: string;
  /** Of a Node's `containerRuntimeVersion`. */
  readonly prefix: string;
  /** Units that make it answer, in the order they are started. */
  readonly units: readonly string[];
};

export const runtimeTargets: Readonly<Record<Target, RuntimeTarget>> = {
  ferry: {
    target: "ferry",
    name: "Ferry",
    endpoint: "unix:///run/ferry/ferry.sock",
    prefix: "ferry://",
    units: ["ferryd.service"],
  },
  containerd: {
    target: "containerd",
    name: "containerd",
    endpoint: "unix:///run/containerd/containerd.sock",
    prefix: "containerd://",
    units: ["containerd.service"],
  },
  "cri-dockerd": {
    target: "cri-dockerd",
    name: "cri-dockerd",
    endpoint: "unix:///var/run/cri-dockerd.sock",
    prefix: "docker://",
    units: ["cri-docker.socket", "cri-docker.service"],
  },
};

/** Of the containerd that k3s brings. */
const k3sEndpoint = "unix:///run/k3s/containerd/containerd.sock";

/** @throws invalidArgument */
export function parseTarget(text: string): Target {
  const found = targets.find((target) => target === text);
  if (found === undefined) throw new EngineError("invalidArgument", `target ${text}: not ${targets.join(", ")}`);
  return found;
}

/** Started after it is configured anew, so that a running one takes the new configuration. */
export function startUnits(units: readonly string[]): UnitState[] {
  return units.map((name) =>
    name.endsWith(".socket")
      ? { name, active: true, enabled: true }
      : { name, active: true, enabled: true, restart: true },
  );
}

/** What a node's kubelet works with now. `dockershim` is Docker through the kubelet itself. */
export type CurrentRuntime =
  | { readonly t: "dockershim" }
  | { readonly t: "cri-dockerd" | "containerd" | "ferry" | "other"; readonly endpoint: string };

/** From the kubelet's flags and configuration, with its version's default. */
export function findCurrentRuntime(facts: NodeFacts): CurrentRuntime {
  if (facts.k3s !== undefined) return findK3sRuntime(facts.k3s);
  const { kubelet } = facts;
  const minor = kubelet.version?.value.minor ?? 0;
  const runtime = findFlag(kubelet.commandLine, "container-runtime")?.value;
  if (minor < 24 && runtime !== "remote") return { t: "dockershim" };
  const names = { flag: "container-runtime-endpoint", field: "containerRuntimeEndpoint" };
  const said = findKubeletSetting(kubelet, names)?.value ?? "";
  return runtimeAt(withScheme(said === "" ? runtimeTargets.containerd.endpoint : said));
}

/** k3s with `--docker` has a dockershim, or a cri-dockerd, within itself. */
function findK3sRuntime({ commandLine, config }: K3sFacts): CurrentRuntime {
  const find = (name: string) => {
    const flag = findFlag(commandLine, name);
    return flag === undefined ? config?.fields.get(name)?.value : (flag.value ?? "true");
  };
  if (find("docker") === "true") return { t: "dockershim" };
  const endpoint = find("container-runtime-endpoint");
  return endpoint === undefined ? { t: "containerd", endpoint: k3sEndpoint } : runtimeAt(withScheme(endpoint));
}

function runtimeAt(endpoint: string): CurrentRuntime {
  for (const { target, endpoint: own } of Object.values(runtimeTargets)) {
    if (sameSocket(endpoint, own)) return { t: target, endpoint };
  }
  return { t: "other", endpoint };
}

/** `/var/run` is `/run` on every node of ours; a path without a scheme means a Unix socket. */
function sameSocket(one: string, other: string): boolean {
  const plain = (endpoint: string) => withScheme(endpoint).replace("unix:///var/run/", "unix:///run/");
  return plain(one) === plain(other);
}

function withScheme(endpoint: string): string {
  return endpoint.startsWith("/") ? `unix://${endpoint}` : endpoint;
}
