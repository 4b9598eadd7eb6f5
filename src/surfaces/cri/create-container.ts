import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerConfig as EngineConfig } from "#core/containers/container-config.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { createContainer as createEngineContainer } from "#engine/create-container.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import { kubernetesLabels } from "#engine/pod-labels.ts";
import { mergeImageConfig } from "#engine/merge-image-config.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import { handlerNamed } from "#engine/run-sandbox.ts";
import { userNamespaceOf } from "#engine/sandbox-lock.ts";
import { sandboxPaths } from "#engine/sandbox-paths.ts";
import type { ContainerConfig, CreateContainerRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { KeyValue } from "#gen/runtime/v1/common_pb.ts";
import type { Cri } from "./cri.ts";
import { cdiDevices } from "./cdi-devices.ts";
import { toContainerRecord } from "./records.ts";
import { toLinuxNamespaces } from "./to-linux-namespaces.ts";
import { toDevices, toMounts } from "./to-mounts.ts";
import { toResources } from "./to-resources.ts";
import { toSecurity } from "./to-security.ts";
import { fromSignal } from "./to-signal.ts";

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
    config: await toEngineConfig(call, cri, sandbox, config),
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

async function toEngineConfig(call: Call, cri: Cri, sandbox: Sandbox, config: ContainerConfig): Promise<EngineConfig> {
  const { linux } = config;
  const context = linux?.securityContext;
  const described = cdiDevices(config);
  if (context?.privileged === true && !sandbox.config.privileged) {
    throw new EngineError("invalidArgument", `sandbox ${sandbox.id}: not privileged, so no container of it can be`);
  }
  const image = (await resolveImage(call, cri.engine, config.image?.image ?? "")).config.config;
  const stopSignal = fromSignal(config.stopSignal);
  const merged = mergeImageConfig(image, {
    ...(config.command.length > 0 && { entrypoint: config.command }),
    command: config.args,
    env: config.envs.map(toEnv),
    workdir: config.workingDir,
    ...(stopSignal !== undefined && { stopSignal }),
  });
  const security = await toSecurity(context, image, cri.engine.settings.host);
  const userNamespace = userNamespaceOf(cri.engine, sandbox);
  return {
    ...defaultContainerConfig,
    ...security,
    args: merged.args,
    env: merged.env,
    workdir: merged.workdir,
    stopSignal: merged.stopSignal,
    hostname: sandbox.config.hostname,
    tty: config.tty,
    stdin: config.stdin ? (config.stdinOnce ? "once" : "open") : "none",
    ...(userNamespace !== undefined && { userNamespace }),
    linuxNamespaces: await toLinuxNamespaces(call, cri, sandbox, context),
    mounts: toMounts(config.mounts, sandboxPaths(cri.engine, sandbox), {
      rootReadOnly: security.rootReadOnly,
      ...sandbox.config,
    }),
    devices: toDevices(config.devices),
    ...(described.length > 0 && { deviceEdits: await cri.engine.devices.editsFor(call, described) }),
    resources: toResources(linux?.resources),
    oomScoreAdj: Number(linux?.resources?.oomScoreAdj ?? 0n),
    cgroupParent: sandbox.config.cgroupParent,
    // The kubelet rotates.
    log: { maxBytes: 0, maxFiles: 1 },
  };
}

function toEnv({ key, value }: KeyValue): string {
  return `${key}=${new TextDecoder().decode(value)}`;
}
