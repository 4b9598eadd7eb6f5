import type { Container, ContainerId } from "#core/containers/container.ts";
import { newStatus, type ContainerStatus } from "#core/containers/container-status.ts";
import type { Digest } from "#core/content/digest.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import type { Engine } from "#engine/engine.ts";
import { kubernetesLabels } from "#engine/pod-labels.ts";

/** Dockershim's name of a pod's sandbox. Pure. */
export function sandboxContainerName({ pod: { name, namespace, uid, attempt } }: Pick<Sandbox, "pod">): string {
  return ["k8s_POD", name, namespace, uid, attempt].join("_");
}

/**
 * A sandbox in the shape of a container, as agents that knew dockershim look for it: `/pause` that runs while the sandbox
 * is ready, whether a process is behind it or not. Pure.
 */
export function toSandboxContainer(
  { settings, sandboxImage, runtime }: Pick<Engine, "settings" | "sandboxImage" | "runtime">,
  sandbox: Sandbox,
): Container {
  const { id, namespace, config, pod, createdAtNs } = sandbox;
  const { network, ipc, pid } = config.linuxNamespaces;
  const mode = (kind: "pod" | "container" | "host") => ({ t: kind === "host" ? "host" : "private" }) as const;
  return {
    id: id as string as ContainerId,
    namespace,
    name: sandboxContainerName(sandbox),
    labels: {
      ...kubernetesLabels({ pod, container: "POD", annotations: sandbox.annotations, labels: sandbox.labels }),
      "io.kubernetes.docker.type": "podsandbox",
    },
    image: { reference: sandboxImage.reference, id: noDigest, manifest: noDigest },
    snapshotter: settings.defaultSnapshotter,
    snapshotKey: id as string as SnapshotKey,
    runtimeHandler: sandbox.runtimeHandler === "" ? runtime.defaultHandler : sandbox.runtimeHandler,
    config: {
      ...defaultContainerConfig,
      args: ["/pause"],
      hostname: config.hostname,
      cgroupParent: config.cgroupParent,
      dns: config.dns,
      sysctls: config.sysctls,
      linuxNamespaces: {
        ...defaultContainerConfig.linuxNamespaces,
        network: mode(network),
        uts: mode(network),
        ipc: mode(ipc),
        pid: mode(pid),
      },
    },
    status: toStatus(sandbox),
    attachments: [],
    logPath: "",
    extensions: {},
    createdAtNs,
  };
}

/** The built-in pause is of no image. */
const noDigest = "" as Digest;

function toStatus({ state, createdAtNs }: Sandbox): ContainerStatus {
  const isUp = state === "ready";
  return { ...newStatus, state: isUp ? "running" : "exited", startedAtNs: createdAtNs };
}
