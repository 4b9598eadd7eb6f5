import { EngineError } from "#base/errors.ts";
import type { ContainerConfig, ContainerMount } from "#core/containers/container-config.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "#engine/engine.ts";
import { sandboxPaths } from "#engine/sandbox-paths.ts";
import type { RouteContext } from "../route.ts";
import { findNamed, findSandbox } from "./find-in-pods.ts";
import { visibleNamespaces } from "./pod-settings.ts";

/** The pod whose network a container is to live in (`--network container:NAME`); undefined: NAME is none of a pod's. */
export async function findPodTarget(
  { call, engine, settings }: Pick<RouteContext, "call" | "engine" | "settings">,
  name: string,
): Promise<Sandbox | undefined> {
  for (const namespace of visibleNamespaces(settings, call.namespace)) {
    if (namespace !== settings.pods?.namespace) continue;
    const own = { ...call, namespace };
    const container = await findNamed(own, engine, name);
    const id = container?.sandboxId;
    const sandbox = id === undefined ? await findSandbox(own, engine, name) : await engine.sandboxes.find(own, id);
    if (sandbox !== undefined) return sandbox;
  }
  return undefined;
}

/**
 * `config` in a pod's network, with the files that go with it: what a shell for finding faults wants. The pod is not
 * touched. Pure.
 *
 * @throws conflict when the pod has no network any more
 */
export function inPodNetwork(
  config: ContainerConfig,
  engine: Pick<Engine, "settings" | "podNamespaces">,
  sandbox: Sandbox,
): ContainerConfig {
  const { id, pod, state } = sandbox;
  if (state !== "ready") throw new EngineError("conflict", `pod ${pod.namespace}/${pod.name}: not ready`);
  const isHost = sandbox.config.linuxNamespaces.network === "host";
  const mode = (kind: "network" | "uts") =>
    isHost ? ({ t: "host" } as const) : ({ t: "path", path: engine.podNamespaces.pathOf(id, kind) } as const);
  const taken = new Set(config.mounts.map(({ destination }) => destination));
  const paths = sandboxPaths(engine, sandbox);
  const files = [
    bind(paths.hosts, "/etc/hosts"),
    bind(paths.hostname, "/etc/hostname"),
    bind(paths.resolvConf, "/etc/resolv.conf"),
  ];
  return {
    ...config,
    hostname: sandbox.config.hostname,
    networks: [],
    linuxNamespaces: { ...config.linuxNamespaces, network: mode("network"), uts: mode("uts") },
    mounts: [...files.filter(({ destination }) => !taken.has(destination)), ...config.mounts],
  };
}

function bind(source: string, destination: string): ContainerMount {
  return {
    t: "bind",
    source,
    destination,
    readOnly: true,
    recursiveReadOnly: false,
    nonRecursive: true,
    propagation: "rprivate",
    createSource: false,
  };
}
