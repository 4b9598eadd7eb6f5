import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerConfig, LinuxNamespaceMode } from "#core/containers/container-config.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { findPauseTask } from "#engine/sandbox-pause.ts";
import { NamespaceMode, type LinuxContainerSecurityContext } from "#gen/runtime/v1/security_pb.ts";
import type { Cri } from "./cri.ts";

/** Where a container of a pod lives. @throws invalidArgument for a PID namespace that the pod does not have */
export async function toLinuxNamespaces(
  call: Call,
  cri: Cri,
  sandbox: Sandbox,
  context: LinuxContainerSecurityContext | undefined,
): Promise<ContainerConfig["linuxNamespaces"]> {
  const { network, ipc } = sandbox.config.linuxNamespaces;
  const { podNamespaces, settings } = cri.engine;
  const path = (kind: "network" | "ipc" | "uts"): LinuxNamespaceMode => ({
    t: "path",
    path: podNamespaces.pathOf(sandbox.id, kind),
  });
  const ownCgroup = settings.host.cgroupVersion === 2 && context?.privileged !== true;
  return {
    network: network === "pod" ? path("network") : host,
    uts: network === "pod" ? path("uts") : host,
    ipc: ipc === "pod" ? path("ipc") : host,
    cgroup: ownCgroup ? { t: "private" } : host,
    pid: await pidMode(call, cri, sandbox, context),
  };
}

const host: LinuxNamespaceMode = { t: "host" };

async function pidMode(
  call: Call,
  { engine }: Cri,
  sandbox: Sandbox,
  context: LinuxContainerSecurityContext | undefined,
): Promise<LinuxNamespaceMode> {
  const options = context?.namespaceOptions;
  switch (options?.pid) {
    case NamespaceMode.NODE:
      return host;
    case NamespaceMode.CONTAINER:
      return { t: "private" };
    case NamespaceMode.TARGET: {
      const target = await engine.containers.resolve(call, options.targetId);
      if (target.sandboxId !== sandbox.id) {
        throw new EngineError("invalidArgument", `target container ${options.targetId}: not of the same pod`);
      }
      return { t: "container", containerId: target.id };
    }
    case NamespaceMode.POD:
    case undefined:
    default: {
      const pause = await findPauseTask(call, engine, sandbox);
      if (pause === undefined || pause.exit !== undefined) return sandboxPid(sandbox);
      return { t: "path", path: `/proc/${pause.pid}/ns/pid` };
    }
  }
}

function sandboxPid({ id, config }: Sandbox): LinuxNamespaceMode {
  if (config.linuxNamespaces.pid === "host") return host;
  throw new EngineError("invalidArgument", `sandbox ${id}: has no PID namespace that its containers could share`);
}
