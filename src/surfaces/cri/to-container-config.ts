import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerConfig as EngineConfig } from "#core/containers/container-config.ts";
import type { ImageDefaults } from "#core/images/image-config.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import { mergeImageConfig } from "#engine/merge-image-config.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import { userNamespaceOf } from "#engine/sandbox-lock.ts";
import { sandboxPaths } from "#engine/sandbox-paths.ts";
import type { KeyValue } from "#gen/runtime/v1/common_pb.ts";
import type { ContainerConfig } from "#gen/runtime/v1/containers_pb.ts";
import { cdiDevices } from "./cdi-devices.ts";
import type { Cri } from "./cri.ts";
import { toLinuxNamespaces } from "./to-linux-namespaces.ts";
import { toDevices, toMounts } from "./to-mounts.ts";
import { toResources } from "./to-resources.ts";
import { toSecurity } from "./to-security.ts";
import { fromSignal } from "./to-signal.ts";

/**
 * What a container of a pod is to be: its request, its image's defaults, and what its pod has.
 *
 * @throws invalidArgument for what no container of this pod can have @throws notFound without the image
 */
export async function toContainerConfig(
  call: Call,
  cri: Cri,
  sandbox: Sandbox,
  config: ContainerConfig,
): Promise<EngineConfig> {
  const { linux } = config;
  const context = linux?.securityContext;
  const described = cdiDevices(config);
  if (context?.privileged === true && !sandbox.config.privileged) {
    throw new EngineError("invalidArgument", `sandbox ${sandbox.id}: not privileged, so no container of it can be`);
  }
  const image = (await resolveImage(call, cri.engine, config.image?.image ?? "")).config.config;
  const security = await toSecurity(context, image, cri.engine.settings.host);
  const userNamespace = userNamespaceOf(cri.engine, sandbox);
  return {
    ...defaultContainerConfig,
    ...security,
    ...toProcess(image, config),
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

function toProcess(image: ImageDefaults, config: ContainerConfig) {
  const signal = fromSignal(config.stopSignal);
  const { args, env, workdir, stopSignal } = mergeImageConfig(image, {
    ...(config.command.length > 0 && { entrypoint: config.command }),
    command: config.args,
    env: config.envs.map(toEnv),
    workdir: config.workingDir,
    ...(signal !== undefined && { stopSignal: signal }),
  });
  return { args, env, workdir, stopSignal };
}

function toEnv({ key, value }: KeyValue): string {
  return `${key}=${new TextDecoder().decode(value)}`;
}
