import { mkdir } from "node:fs/promises";
import type { Call } from "#core/call.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { OciSpec } from "#core/tasks/oci-spec.ts";
import type { Task, TaskRef } from "#core/tasks/runtime.ts";
import { featuresOfHandler } from "./collect-spec-facts.ts";
import type { ContainerImage } from "./container-image.ts";
import { defaultContainerConfig } from "./default-container-config.ts";
import type { Engine } from "./engine.ts";
import { toOciSpec } from "./oci-spec/to-oci-spec.ts";
import { closePauseRoot, openPauseRoot, type PauseProgram } from "./pause-root.ts";
import { sandboxAnnotations } from "./sandbox-annotations.ts";
import { pinnedKinds, userNamespaceOf } from "./sandbox-lock.ts";

export type PauseRequest = { readonly runtimeHandler: string; readonly image: ContainerImage | undefined };

export function pauseRef({ id, namespace }: Pick<Sandbox, "id" | "namespace">): TaskRef {
  return { namespace, containerId: id as string as ContainerId };
}

/** Whether a pod's sandbox is a process: it holds the PID namespace, or the handler makes its sandbox around it. */
export function needsPause(
  engine: Pick<Engine, "runtime">,
  { config }: Pick<Sandbox, "config">,
  runtimeHandler: string,
): boolean {
  return config.linuxNamespaces.pid === "pod" || featuresOfHandler(engine, runtimeHandler).sandboxProcess;
}

/** Starts the process that a pod's sandbox stands on. @throws failedPrecondition without a program for it */
export async function startPause(call: Call, engine: Engine, sandbox: Sandbox, request: PauseRequest): Promise<void> {
  const { runtimeHandler, image } = request;
  const program = await openPauseRoot(call, engine, sandbox, image);
  const spec = pauseSpec(engine, sandbox, { program, runtimeHandler });
  await mkdir(engine.runtime.bundlePath(pauseRef(sandbox)), { recursive: true, mode: 0o711 });
  const task = await engine.runtime.create(call, { ...pauseRef(sandbox), runtimeHandler, spec, stdin: "none" });
  await task.start(call);
}

export async function findPauseTask(call: Call, engine: Engine, sandbox: Sandbox): Promise<Task | undefined> {
  return await engine.runtime.find(call, pauseRef(sandbox));
}

/** Idempotent. */
export async function stopPause(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  const pause = await findPauseTask(call, engine, sandbox);
  await pause?.delete(call, { force: true });
  await closePauseRoot(call, engine, sandbox);
}

function pauseSpec(
  engine: Engine,
  sandbox: Sandbox,
  { program, runtimeHandler }: { program: PauseProgram; runtimeHandler: string },
): OciSpec {
  const kinds = pinnedKinds(sandbox);
  const { args, env, workdir, mounts, rootPath, user } = program;
  const userNamespace = userNamespaceOf(engine, sandbox);
  const config: ContainerConfig = {
    ...defaultContainerConfig,
    args,
    env,
    workdir,
    mounts,
    noNewPrivileges: true,
    capabilities: { add: [], drop: ["ALL"] },
    rootReadOnly: true,
    cgroupParent: sandbox.config.cgroupParent,
    oomScoreAdj: -998,
    linuxNamespaces: pauseNamespaces(engine, sandbox),
    ...(userNamespace !== undefined && { userNamespace }),
  };
  return toOciSpec(config, {
    containerId: pauseRef(sandbox).containerId,
    host: engine.settings.host,
    runtime: featuresOfHandler(engine, runtimeHandler),
    rootPath,
    user,
    linuxNamespacePaths: Object.fromEntries(kinds.map((kind) => [kind, engine.podNamespaces.pathOf(sandbox.id, kind)])),
    etcFiles: {},
    volumePaths: new Map(),
    devices: [],
    blockDevices: new Map(),
    defaultCgroupParent: engine.settings.cgroupParent,
    annotations: sandboxAnnotations(sandbox),
  });
}

function pauseNamespaces(engine: Engine, sandbox: Sandbox): ContainerConfig["linuxNamespaces"] {
  const kinds = pinnedKinds(sandbox);
  const mode = (kind: "network" | "ipc" | "uts") =>
    kinds.includes(kind)
      ? ({ t: "path", path: engine.podNamespaces.pathOf(sandbox.id, kind) } as const)
      : ({ t: "host" } as const);
  return {
    ...defaultContainerConfig.linuxNamespaces,
    network: mode("network"),
    ipc: mode("ipc"),
    uts: mode("uts"),
  };
}
