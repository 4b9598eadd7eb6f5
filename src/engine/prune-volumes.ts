import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Volume } from "#core/volumes/volume-store.ts";
import { removeVolume, type RemoveVolumeEngine, volumeUsers } from "./remove-volume.ts";

/**
 * Removes volumes that no container has: anonymous ones, with `all` named ones too, as far as `accepts` takes them.
 * Publishes `prune`.
 */
export async function pruneVolumes(
  call: Call,
  engine: RemoveVolumeEngine,
  options: { readonly all: boolean; readonly accepts?: (volume: Volume) => boolean },
): Promise<{ removed: string[]; reclaimedBytes: number }> {
  const users = volumeUsers(await engine.containers.list(call));
  const removed: string[] = [];
  let reclaimedBytes = 0;
  for (const volume of await engine.volumes.list(call)) {
    const { name, anonymous } = volume;
    if (users.has(name) || !(options.all || anonymous) || options.accepts?.(volume) === false) continue;
    try {
      const bytes = await engine.volumes.usageBytes(call, name);
      await removeVolume(call, engine, { name, force: false });
      reclaimedBytes += bytes;
      removed.push(name);
    } catch (error) {
      // Taken into use, or removed by somebody else, since the list was read.
      if (!isKind(error, "notFound", "conflict")) throw error;
    }
  }
  const attributes = { reclaimed: String(reclaimedBytes) };
  engine.events.publish({ namespace: call.namespace, type: "volume", action: "prune", actorId: "", attributes });
  return { removed, reclaimedBytes };
}
