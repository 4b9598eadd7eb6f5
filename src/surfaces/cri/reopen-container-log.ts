import type { Call } from "#core/call.ts";
import { reopenLog } from "#engine/reopen-log.ts";
import type { ReopenContainerLogRequest } from "#gen/runtime/v1/streaming_pb.ts";
import type { Cri } from "./cri.ts";

/** The kubelet has moved the log away: the monitor begins a new one. */
export async function reopenContainerLog(call: Call, { engine }: Cri, { containerId }: ReopenContainerLogRequest) {
  await reopenLog(call, engine, containerId);
  return {};
}
