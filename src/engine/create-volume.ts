import type { Call } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import type { Volume } from "#core/volumes/volume-store.ts";
import type { Engine } from "./engine.ts";

/**
 * Makes a volume, or answers the one there is. Publishes `create` when it is new.
 *
 * @throws invalidArgument for a bad name or option @throws conflict when it exists with other options
 */
export async function createVolume(
  call: Call,
  engine: Pick<Engine, "volumes" | "events">,
  request: { readonly name?: string; readonly labels?: Labels; readonly options?: Readonly<Record<string, string>> },
): Promise<Volume> {
  const before = request.name === undefined ? undefined : await engine.volumes.find(call, request.name);
  const volume = await engine.volumes.create(call, request);
  if (before === undefined) {
    const attributes = { driver: volume.driver };
    engine.events.publish({
      namespace: call.namespace,
      type: "volume",
      action: "create",
      actorId: volume.name,
      attributes,
    });
  }
  return volume;
}
