import type { Container } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";

type Annotations = Readonly<Record<string, string>>;

/**
 * What runtimes that make a machine around a pod, and hooks, read in the sandbox's spec. Pure.
 *
 * Source: containerd pkg/cri/annotations (`io.kubernetes.cri.*`).
 */
export function sandboxAnnotations(sandbox: Sandbox): Annotations {
  const { config } = sandbox;
  return {
    ...podAnnotations(sandbox),
    "io.kubernetes.cri.container-type": "sandbox",
    "io.kubernetes.cri.sandbox-log-directory": config.logDirectory,
  };
}

/** The same in the spec of a pod's container, by which such a runtime finds the machine that it belongs in. Pure. */
export function podContainerAnnotations(
  sandbox: Sandbox,
  { name, labels, image }: Pick<Container, "name" | "labels" | "image">,
): Annotations {
  return {
    ...podAnnotations(sandbox),
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": labels["io.kubernetes.container.name"] ?? name,
    "io.kubernetes.cri.image-name": image.reference,
  };
}

function podAnnotations({ id, pod }: Sandbox): Annotations {
  return {
    "io.kubernetes.cri.sandbox-id": id,
    "io.kubernetes.cri.sandbox-name": pod.name,
    "io.kubernetes.cri.sandbox-namespace": pod.namespace,
    "io.kubernetes.cri.sandbox-uid": pod.uid,
  };
}
