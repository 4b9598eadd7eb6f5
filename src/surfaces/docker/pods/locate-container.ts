import { EngineError, isKind } from "#base/errors.ts";
import type { Call, Namespace } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "#engine/engine.ts";
import type { RouteEntry } from "../route.ts";
import type { DockerSettings } from "../settings.ts";
import { findNamed, findSandbox } from "./find-in-pods.ts";
import { visibleNamespaces } from "./pod-settings.ts";
import { sandboxContainerName } from "./sandbox-container.ts";

/** What a request names in its path. */
export type NamedContainer = { readonly entry: RouteEntry; readonly name: string };

export type Located = {
  readonly namespace: Namespace;
  /** The name is a pod's sandbox. */
  readonly sandbox?: Sandbox;
};

type Place = { readonly call: Call; readonly engine: Engine; readonly settings: DockerSettings };

/**
 * Finds where the container is that a request names: the namespace asked for goes before the pods'. What is not found is
 * the route's to tell.
 *
 * @throws permissionDenied when the request would change a pod's container and the configuration does not allow that
 */
export async function locateContainer(place: Place, { entry, name }: NamedContainer): Promise<Located> {
  const { call, engine, settings } = place;
  const asked = call.namespace;
  if (settings.pods === undefined || !/^\/(containers|exec)\/:name/.test(entry.path)) return { namespace: asked };
  for (const namespace of visibleNamespaces(settings, asked)) {
    const own = { ...call, namespace };
    const container = await findTarget(own, engine, { entry, name });
    if (container !== undefined) {
      if (container.sandboxId !== undefined) checkAccess(settings, entry, container.name);
      return { namespace };
    }
    if (namespace !== settings.pods.namespace) continue;
    const sandbox = await findSandbox(own, engine, name);
    if (sandbox === undefined) continue;
    if (changes(entry)) throw refusal(settings, sandboxContainerName(sandbox));
    return { namespace, sandbox };
  }
  return { namespace: asked };
}

function checkAccess(settings: DockerSettings, entry: RouteEntry, name: string): void {
  if (settings.pods?.access !== "writable" && changes(entry)) throw refusal(settings, name);
}

/** Attaching counts: whoever attaches can type. */
function changes({ method, path }: RouteEntry): boolean {
  return method !== "GET" && method !== "HEAD" && path !== "/containers/:name/wait";
}

function refusal({ pods }: DockerSettings, name: string): EngineError {
  const allowed =
    pods?.access === "writable"
      ? "a pod's sandbox is its kubelet's alone"
      : 'docker.pods = "writable" in the configuration of ferryd allows it';
  return new EngineError(
    "permissionDenied",
    `container ${name}: belongs to a pod, which is read-only here; ${allowed}`,
  );
}

/** An exec's container stands for it. */
async function findTarget(call: Call, engine: Engine, { entry, name }: NamedContainer): Promise<Container | undefined> {
  if (!entry.path.startsWith("/exec/")) return await findNamed(call, engine, name);
  try {
    return await findNamed(call, engine, engine.execs.get(call.namespace, name).containerId);
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}
