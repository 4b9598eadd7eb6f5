import { nowNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { findPauseTask } from "#engine/sandbox-pause.ts";
import { containersOf } from "#engine/stop-sandbox.ts";
import type { PodSandboxStatusRequest } from "#gen/runtime/v1/pod_status_pb.ts";
import type { Cri } from "./cri.ts";
import { toContainerStatus } from "./to-container.ts";
import { toPodStatus } from "./to-pod.ts";

export async function podSandboxStatus(call: Call, cri: Cri, { podSandboxId, verbose }: PodSandboxStatusRequest) {
  const { engine } = cri;
  const sandbox = await engine.sandboxes.get(call, podSandboxId);
  const containers = await containersOf(call, engine, sandbox.id);
  return {
    status: toPodStatus(sandbox),
    containersStatuses: await Promise.all(containers.map((it) => toContainerStatus(call, cri, it))),
    timestamp: nowNs(),
    info: verbose ? { info: JSON.stringify(await verboseInfo(call, cri, sandbox)) } : {},
  };
}

/** `pid` is where people look for the way into a pod; 0: no process is behind it, see `networkNamespace`. */
async function verboseInfo(call: Call, { engine }: Cri, sandbox: Sandbox) {
  const { id, config, runtimeHandler, state } = sandbox;
  const pause = await findPauseTask(call, engine, sandbox);
  return {
    pid: pause === undefined || pause.exit !== undefined ? 0 : pause.pid,
    sandboxState: state,
    runtimeHandler,
    networkNamespace: config.linuxNamespaces.network === "pod" ? engine.podNamespaces.pathOf(id, "network") : "host",
    config,
  };
}
