import type { Container } from "#core/containers/container.ts";
import type { RouteContext } from "../route.ts";
import { visibleNamespaces } from "./pod-settings.ts";
import { toSandboxContainer } from "./sandbox-container.ts";

type Place = Pick<RouteContext, "call" | "engine" | "settings">;

/** Every container that a request sees: those of its namespace, and a kubelet's pods with their sandboxes. */
export async function visibleContainers({ call, engine, settings }: Place): Promise<Container[]> {
  const found: Container[] = [];
  for (const namespace of visibleNamespaces(settings, call.namespace)) {
    const own = { ...call, namespace };
    found.push(...(await engine.containers.list(own)));
    if (namespace !== settings.pods?.namespace) continue;
    const sandboxes = (await engine.sandboxes.list(own)).filter(({ state }) => state !== "creating");
    found.push(...sandboxes.map((sandbox) => toSandboxContainer(engine, sandbox)));
  }
  return found;
}
