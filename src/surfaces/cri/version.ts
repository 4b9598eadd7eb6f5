import type { Call } from "#core/call.ts";
import type { VersionRequest } from "#gen/runtime/v1/runtime_pb.ts";
import type { Cri } from "./cri.ts";

export async function version(_call: Call, { settings }: Cri, _request: VersionRequest) {
  return { version: "0.1.0", runtimeName: "ferry", runtimeVersion: settings.version, runtimeApiVersion: "v1" };
}
