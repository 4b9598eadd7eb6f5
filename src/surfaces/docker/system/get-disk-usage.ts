import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { diskUsage, type DiskUsage } from "#engine/disk-usage.ts";
import { listImages } from "#engine/list-images.ts";
import { toSummary } from "../containers/to-summary.ts";
import { toImageSummary } from "../images/to-image.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { toVolume } from "../volumes/to-volume.ts";

const types = ["container", "image", "volume", "build-cache"];

/** `docker system df`. Since 1.52 with totals, the old lists beside them unless `verbose` asks for the new ones. */
export async function getDiskUsage({ call, engine, query, api }: RouteContext): Promise<Answer> {
  const asked = api >= 42 ? query.all("type") : [];
  const unknown = asked.find((type) => !types.includes(type));
  if (unknown !== undefined) throw new EngineError("invalidArgument", `unknown object type: ${unknown}`);
  const wants = (type: string) => asked.length === 0 || asked.includes(type);
  const usage = await diskUsage(call, engine);
  const images = wants("image") ? await listImages(call, engine) : [];
  const volumes = new Map(usage.volumes.map(({ volume }) => [volume.name, volume.mountpoint]));
  const now = nowNs();
  const lists: JsonObject = {
    ...(wants("image")
      ? {
          LayersSize: usage.layers.sizeBytes,
          Images: images.map((image) => ({ ...toImageSummary(image, api), Containers: image.containers })),
        }
      : {}),
    ...(wants("container")
      ? {
          Containers: usage.containers.map(({ container, writable: { sizeBytes } }) => {
            const size = { writableBytes: sizeBytes, rootBytes: sizeBytes };
            return toSummary(container, { api, now, volumes, size }) as JsonObject;
          }),
        }
      : {}),
    ...(wants("volume") ? { Volumes: usage.volumes.map((entry) => toVolume(entry.volume, entry)) } : {}),
    ...(wants("build-cache") ? { BuildCache: [] } : {}),
  };
  if (api < 52) return json({ ...lists, ...(wants("build-cache") ? { BuilderSize: 0 } : {}) });
  const verbose = query.boolean("verbose");
  const active = images.filter(({ containers }) => containers > 0).length;
  return json({
    ...(verbose ? {} : lists),
    ...(wants("image")
      ? {
          ImageUsage: total(
            images.length,
            active,
            usage.layers.sizeBytes,
            unusedBytes(images),
            verbose ? lists["Images"] : undefined,
          ),
        }
      : {}),
    ...(wants("container") ? { ContainerUsage: containerTotal(usage, verbose ? lists["Containers"] : undefined) } : {}),
    ...(wants("volume") ? { VolumeUsage: volumeTotal(usage, verbose ? lists["Volumes"] : undefined) } : {}),
    ...(wants("build-cache") ? { BuildCacheUsage: total(0, 0, 0, 0, verbose ? [] : undefined) } : {}),
  });
}

function unusedBytes(images: readonly { containers: number; sizeBytes: number }[]): number {
  return images.reduce((sum, { containers, sizeBytes }) => sum + (containers === 0 ? sizeBytes : 0), 0);
}

function containerTotal({ containers }: DiskUsage, items: unknown) {
  const isActive = ({ container: { status } }: DiskUsage["containers"][number]) =>
    ["running", "paused", "restarting"].includes(status.state);
  const bytes = (list: DiskUsage["containers"]) => list.reduce((sum, { writable }) => sum + writable.sizeBytes, 0);
  const idle = containers.filter((entry) => !isActive(entry));
  return total(containers.length, containers.length - idle.length, bytes(containers), bytes(idle), items);
}

function volumeTotal({ volumes }: DiskUsage, items: unknown) {
  const bytes = (list: DiskUsage["volumes"]) => list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const unused = volumes.filter(({ useCount }) => useCount === 0);
  return total(volumes.length, volumes.length - unused.length, bytes(volumes), bytes(unused), items);
}

// Four numbers of one kind: a record would only repeat their names at each call.
// eslint-disable-next-line max-params
function total(count: number, active: number, totalSize: number, reclaimable: number, items: unknown) {
  return {
    ActiveCount: active,
    TotalCount: count,
    TotalSize: totalSize,
    Reclaimable: reclaimable,
    ...(items === undefined ? {} : { Items: items }),
  };
}
