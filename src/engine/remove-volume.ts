import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";
import { refuseWhileUnreadable } from "./unreadable-container.ts";

export type RemoveVolumeEngine = Pick<Engine, "volumes" | "containers" | "events">;

/**
 * Removes a volume that no container has, running or not. Publishes `destroy`. `force`: a missing one is a success.
 *
 * @throws notFound @throws conflict when containers have it
 */
export async function removeVolume(
  call: Call,
  engine: RemoveVolumeEngine,
  request: { readonly name: string; readonly force: boolean },
): Promise<void> {
  try {
    const { name } = await engine.volumes.get(call, request.name);
    const users = volumeUsers(await engine.containers.list(call)).get(name) ?? [];
    if (users.length > 0) {
      throw new EngineError("conflict", `remove ${name}: volume is in use - [${users.join(", ")}]`);
    }
    await refuseWhileUnreadable(call, engine, `remove ${name}: volume may be in use`);
    await engine.volumes.delete(call, name);
    const attributes = { driver: "local" };
    engine.events.publish({ namespace: call.namespace, type: "volume", action: "destroy", actorId: name, attributes });
  } catch (error) {
    if (!request.force || !isKind(error, "notFound")) throw error;
  }
}

/** Ids of the containers that mount a volume, by its name. */
export function volumeUsers(containers: readonly Container[]): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const { id, config } of containers) {
    const names = new Set(config.mounts.flatMap((mount) => (mount.t === "volume" ? [mount.name] : [])));
    for (const name of names) users.set(name, [...(users.get(name) ?? []), id]);
  }
  return users;
}
