import type { Call } from "#core/call.ts";
import type { Volume } from "#core/volumes/volume-store.ts";
import { createVolume } from "./create-volume.ts";
import type { Engine } from "./engine.ts";

export type AdoptVolumeRequest = {
  readonly name: string;
  /** Another engine's volume on this machine; nothing may write there meanwhile. */
  readonly filesDirectory: string;
};

export type AdoptedVolume = { readonly volume: Volume; readonly how: "carried" | "kept" };

/**
 * Makes a volume with the files of another engine's, owners, modes, times and xattrs and all: copied, cloned where the
 * filesystem can, for a volume is written to. One that has content already is kept as it is.
 *
 * @throws resourceExhausted on a full disk; the volume is empty then
 */
export async function adoptVolume(
  call: Call,
  engine: Pick<Engine, "volumes" | "events" | "archiver">,
  { name, filesDirectory }: AdoptVolumeRequest,
): Promise<AdoptedVolume> {
  const volume = await createVolume(call, engine, { name });
  const filled = await engine.volumes.fill(call, name, async (directory) => {
    await engine.archiver.copy(call, filesDirectory, "/", directory);
  });
  return { volume, how: filled ? "carried" : "kept" };
}
