import type { Labels } from "#core/labels.ts";
import type { PodIdentity } from "#core/sandboxes/sandbox.ts";

export type PodLabelRequest = {
  readonly pod: PodIdentity;
  /** Name of the container in its pod; `POD` for the sandbox. */
  readonly container: string;
  /** As the kubelet gave them; they win. */
  readonly labels: Labels;
  readonly annotations: Labels;
};

/**
 * Labels of a pod's container, or sandbox, as dockershim set them and agents read them: who the pod is, and its annotations
 * under `annotation.`. Pure.
 *
 * Source: kubernetes v1.23 pkg/kubelet/dockershim/naming.go, helpers.go (makeLabels), pkg/kubelet/types/labels.go.
 */
export function kubernetesLabels({ pod, container, labels, annotations }: PodLabelRequest): Labels {
  const noted = Object.entries(annotations).map(([key, value]) => [`annotation.${key}`, value]);
  return {
    ...Object.fromEntries(noted),
    "io.kubernetes.container.name": container,
    "io.kubernetes.pod.name": pod.name,
    "io.kubernetes.pod.namespace": pod.namespace,
    "io.kubernetes.pod.uid": pod.uid,
    ...labels,
  };
}
