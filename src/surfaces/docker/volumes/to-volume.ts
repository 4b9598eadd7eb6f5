import type { JsonObject } from "#base/json.ts";
import { formatRfc3339 } from "#base/clock.ts";
import type { Volume } from "#core/volumes/volume-store.ts";

/** Source: moby api/types/volume/volume.go. */
export function toVolume(
  volume: Volume,
  usage?: { readonly sizeBytes: number; readonly useCount: number },
): JsonObject {
  const orNull = (map: Readonly<Record<string, string>>) => (Object.keys(map).length > 0 ? { ...map } : null);
  return {
    CreatedAt: formatRfc3339(volume.createdAtNs).replace(/\.\d+Z$/, "Z"),
    Driver: volume.driver,
    Labels: volume.anonymous ? { "com.docker.volume.anonymous": "", ...volume.labels } : orNull(volume.labels),
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: "local",
    ...(usage === undefined ? {} : { UsageData: { RefCount: usage.useCount, Size: usage.sizeBytes } }),
  };
}
