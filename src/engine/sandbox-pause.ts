import { access, constants, mkdir } from "node:fs/promises";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { OciSpec } from "#core/tasks/oci-spec.ts";
import type { Task, TaskRef } from "#core/tasks/runtime.ts";
import { defaultContainerConfig } from "./default-container-config.ts";
import type { Engine } from "./engine.ts";
import { featuresOfHandler } from "./collect-spec-facts.ts";
import { toOciSpec } from "./oci-spec/to-oci-spec.ts";
import { pinnedKinds } from "./sandbox-lock.ts";
import { sandboxPaths } from "./sandbox-paths.ts";

/** Programs that wait for ever and reap children; static, so that they run in an empty root. */
const pausePrograms = ["/usr/bin/catatonit", "/usr/libexec/podman/catatonit", "/usr/local/bin/catatonit"];
const pausePath = "/pause";

export function pauseRef({ id, namespace }: Pick<Sandbox, "id" | "namespace">): TaskRef {
  return { namespace, containerId: id as string as ContainerId };
}

/** Starts the process that holds a pod's PID namespace. @throws failedPrecondition without a program for it */
export async function startPause(call: Call, engine: Engine, sandbox: Sandbox, runtimeHandler: string): Promise<void> {
  const program = await findPause();
  const { pauseRoot } = sandboxPaths(engine, sandbox);
  await mkdir(pauseRoot, { recursive: true, mode: 0o711 });
  const spec = pauseSpec(engine, sandbox, { program, pauseRoot, runtimeHandler });
  await mkdir(engine.runtime.bundlePath(pauseRef(sandbox)), { recursive: true, mode: 0o710 });
  const task = await engine.runtime.create(call, { ...pauseRef(sandbox), runtimeHandler, spec, stdin: "none" });
  await task.start(call);
}

export async function findPauseTask(call: Call, engine: Engine, sandbox: Sandbox): Promise<Task | undefined> {
  if (sandbox.config.linuxNamespaces.pid !== "pod") return undefined;
  return await engine.runtime.find(call, pauseRef(sandbox));
}

function pauseSpec(
  engine: Engine,
  sandbox: Sandbox,
  { program, pauseRoot, runtimeHandler }: { program: string; pauseRoot: string; runtimeHandler: string },
): OciSpec {
  const host = { t: "host" } as const;
  const kinds = pinnedKinds(sandbox);
  const mode = (kind: (typeof kinds)[number]) =>
    kinds.includes(kind) ? ({ t: "path", path: engine.podNamespaces.pathOf(sandbox.id, kind) } as const) : host;
  const config = {
    ...defaultContainerConfig,
    args: [pausePath, "-P"],
    noNewPrivileges: true,
    capabilities: { add: [], drop: ["ALL"] },
    rootReadOnly: true,
    cgroupParent: sandbox.config.cgroupParent,
    oomScoreAdj: -998,
    linuxNamespaces: {
      ...defaultContainerConfig.linuxNamespaces,
      network: mode("network"),
      ipc: mode("ipc"),
      uts: mode("uts"),
    },
    mounts: [
      {
        t: "bind",
        source: program,
        destination: pausePath,
        readOnly: true,
        recursiveReadOnly: false,
        nonRecursive: true,
        propagation: "rprivate",
        createSource: false,
      },
    ] as const,
  };
  return toOciSpec(config, {
    containerId: pauseRef(sandbox).containerId,
    host: engine.settings.host,
    runtime: featuresOfHandler(engine, runtimeHandler),
    rootPath: pauseRoot,
    user: { uid: 65535, gid: 65535, additionalGids: [65535], home: "/" },
    linuxNamespacePaths: Object.fromEntries(kinds.map((kind) => [kind, engine.podNamespaces.pathOf(sandbox.id, kind)])),
    etcFiles: {},
    volumePaths: new Map(),
    devices: [],
    blockDevices: new Map(),
    defaultCgroupParent: engine.settings.cgroupParent,
  });
}

async function findPause(): Promise<string> {
  for (const path of pausePrograms) {
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  throw new EngineError("failedPrecondition", "pod PID namespace: no pause program on this machine (catatonit)");
}
