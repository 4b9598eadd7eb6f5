import { nowNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import { diskUsage } from "#engine/disk-usage.ts";
import type { ImageFsInfoRequest } from "#gen/runtime/v1/stats_pb.ts";
import type { Cri } from "./cri.ts";

/** Layers and writable layers are on one filesystem. */
export async function imageFsInfo(call: Call, { engine }: Cri, _request: ImageFsInfoRequest) {
  const { layersBytes, containers } = await diskUsage(call, engine);
  const used = containers.reduce((sum, { writableBytes }) => sum + writableBytes, layersBytes);
  const filesystem = {
    timestamp: nowNs(),
    fsId: { mountpoint: engine.settings.rootDirectory },
    usedBytes: { value: BigInt(used) },
    inodesUsed: { value: 0n },
  };
  return { imageFilesystems: [filesystem], containerFilesystems: [filesystem] };
}
