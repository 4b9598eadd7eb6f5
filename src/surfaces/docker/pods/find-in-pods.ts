import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "#engine/engine.ts";
import { sandboxContainerName } from "./sandbox-container.ts";

/** A container by id, name or the beginning of an id; undefined too where that is wrong, which a route tells by itself. */
export async function findNamed(call: Call, { containers }: Engine, name: string): Promise<Container | undefined> {
  try {
    return await containers.resolve(call, name);
  } catch (error) {
    if (isKind(error, "notFound", "invalidArgument", "dataLoss")) return undefined;
    throw error;
  }
}

/** A sandbox by id, by the beginning of one, or by dockershim's name. */
export async function findSandbox(call: Call, { sandboxes }: Engine, name: string): Promise<Sandbox | undefined> {
  const bare = name.replace(/^\//, "");
  const found = bare === "" ? undefined : await sandboxes.find(call, bare);
  if (found !== undefined || !bare.startsWith("k8s_POD_")) return found;
  return (await sandboxes.list(call)).find((sandbox) => sandboxContainerName(sandbox) === bare);
}
