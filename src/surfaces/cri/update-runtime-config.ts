import type { Call } from "#core/call.ts";
import type { UpdateRuntimeConfigRequest } from "#gen/runtime/v1/runtime_pb.ts";
import type { Cri } from "./cri.ts";

/** The pod address range of a node. CNI plugins are configured by files, so there is nothing to do with it. */
export async function updateRuntimeConfig(call: Call, _cri: Cri, { runtimeConfig }: UpdateRuntimeConfigRequest) {
  call.log.debug({ podCidr: runtimeConfig?.networkConfig?.podCidr }, "pod range noted");
  return {};
}
