import type { Call } from "#core/call.ts";
import { CgroupDriver, type RuntimeConfigRequest } from "#gen/runtime/v1/runtime_pb.ts";
import type { Cri } from "./cri.ts";

/** The cgroup driver, which a kubelet takes over. */
export async function runtimeConfig(_call: Call, { engine: { runtime } }: Cri, _request: RuntimeConfigRequest) {
  const features = runtime.features().find(({ name }) => name === runtime.defaultHandler);
  return {
    linux: { cgroupDriver: features?.cgroupDriver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS },
  };
}
