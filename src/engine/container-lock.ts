import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/** Holds a container: no other use case changes it meanwhile. Never held while waiting for an exit or a pull. */
export async function lockContainer(
  call: Call,
  { locks }: Pick<Engine, "locks">,
  id: ContainerId,
): Promise<Disposable> {
  return await locks.acquire(`container/${call.namespace}/${id}`, call.signal);
}
