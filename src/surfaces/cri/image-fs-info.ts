import { nowNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import { diskUsage } from "#engine/disk-usage.ts";
import type { ImageFsInfoRequest } from "#gen/runtime/v1/stats_pb.ts";
import type { Cri } from "./cri.ts";

/** Layers and writable layers are on one filesystem. */
export async function imageFsInfo(call: Call, { engine }: Cri, _request: ImageFsInfoRequest) {
  const { layers, containers } = await diskUsage(call, engine);
  const used = containers.reduce((sum, { writable }) => sum + writable.sizeBytes, layers.sizeBytes);
  const inodes = containers.reduce((sum, { writable }) => sum + writable.inodes, layers.inodes);
  const filesystem = {
    timestamp: nowNs(),
    fsId: { mountpoint: engine.settings.rootDirectory },
    usedBytes: { value: BigInt(used) },
    inodesUsed: { value: BigInt(inodes) },
  };
  return { imageFilesystems: [filesystem], containerFilesystems: [filesystem] };
}
