import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "#engine/engine.ts";
import type { VolumePaths } from "./to-mount-points.ts";

/** Directories of the volumes that `containers` have; nothing is asked where they have none. */
export async function volumePathsOf(
  call: Call,
  { volumes }: Pick<Engine, "volumes">,
  containers: readonly Container[],
): Promise<VolumePaths> {
  const hasVolumes = containers.some(({ config }) => config.mounts.some(({ t }) => t === "volume"));
  if (!hasVolumes) return new Map();
  return new Map((await volumes.list(call)).map(({ name, mountpoint }) => [name, mountpoint]));
}
