import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { createContainer as createEngineContainer } from "#engine/create-container.ts";
import { kubernetesLabels } from "#engine/pod-labels.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import { handlerNamed } from "#engine/run-sandbox.ts";
import type { ContainerConfig, CreateContainerRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { toContainerRecord } from "./records.ts";
import { toContainerConfig } from "./to-container-config.ts";

export async function createContainer(call: Call, cri: Cri, request: CreateContainerRequest) {
  const { engine } = cri;
  const { config } = request;
  if (config?.metadata === undefined || config.metadata.name === "") {
    throw new EngineError("invalidArgument", "container config: metadata needs a name");
  }
  const image = config.image?.image ?? "";
  if (image === "") throw new EngineError("invalidArgument", "container config: image is missing");
  const sandbox = await engine.sandboxes.get(call, request.podSandboxId);
  if (sandbox.state !== "ready") throw new EngineError("failedPrecondition", `sandbox ${sandbox.id}: not ready`);
  const logPath = toLogPath(sandbox, config);
  await nameMountedImages(call, cri, config);
  const container = await createEngineContainer(call, engine, {
    name: containerName(sandbox, config),
    imageReference: image,
    config: await toContainerConfig(call, cri, sandbox, config),
    labels: dockershimLabels(sandbox, config),
    extensions: { cri: toContainerRecord(config) },
    runtimeHandler: handlerNamed(engine, sandbox.runtimeHandler),
    sandboxId: sandbox.id,
    ...(logPath !== undefined && { logPath }),
  });
  return { containerId: container.id };
}

/** The status tells which image a volume came from, by its ID. */
async function nameMountedImages(call: Call, { engine }: Cri, { mounts }: ContainerConfig): Promise<void> {
  for (const { image } of mounts) {
    if (image !== undefined && image.image !== "") image.imageRef = (await resolveImage(call, engine, image.image)).id;
  }
}

/** As dockershim named it, so that agents that look at names go on to work. */
function containerName({ pod }: Sandbox, { metadata }: ContainerConfig): string {
  const { name = "", attempt = 0 } = metadata ?? {};
  return ["k8s", name, pod.name, pod.namespace, pod.uid, attempt].join("_").replaceAll(/[^\w.-]/g, "-");
}

function dockershimLabels(sandbox: Sandbox, config: ContainerConfig): Record<string, string> {
  const { labels, annotations, metadata } = config;
  const logPath = toLogPath(sandbox, config);
  return {
    ...kubernetesLabels({ pod: sandbox.pod, container: metadata?.name ?? "", labels, annotations }),
    "io.kubernetes.docker.type": "container",
    "io.kubernetes.sandbox.id": sandbox.id,
    ...(logPath !== undefined && { "io.kubernetes.container.logpath": logPath }),
  };
}

/** @throws invalidArgument for a path that leaves the pod's log directory */
function toLogPath({ config: { logDirectory } }: Sandbox, { logPath }: ContainerConfig): string | undefined {
  if (logPath === "" || logDirectory === "") return undefined;
  const path = join(logDirectory, logPath);
  if (path.startsWith(join(logDirectory, "/"))) return path;
  throw new EngineError("invalidArgument", `log path ${JSON.stringify(logPath)}: leaves ${logDirectory}`);
}
