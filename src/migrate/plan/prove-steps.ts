import { dockerPurge, dockerResidue } from "./docker-leftovers.ts";
import type { Move } from "./move.ts";
import type { PlanInput } from "./plan-input.ts";
import { runtimeTargets } from "./runtime-target.ts";
import { chooseSmokeImage } from "./smoke-image.ts";
import type { Steps } from "./steps.ts";

/** Shows that the node works with its new runtime, and gives it back to the scheduler. */
export function prove(move: Move, steps: Steps): void {
  const { input, minor } = move;
  const { facts, options, target } = input;
  const { node, layout } = facts;
  const { prefix, endpoint } = runtimeTargets[target];
  steps.add(
    {
      id: "wait-for-node",
      title: `Wait for ${node} to be Ready`,
      why: `Ready, and with a runtime version of ${prefix}.`,
    },
    { kind: "wait-for-node", node, runtimePrefix: prefix, timeoutMs: nodeTimeout(input) },
  );
  if (layout.t === "kubeadm" && minor <= 33) {
    steps.add(
      {
        id: "annotate",
        title: "Tell kubeadm the new socket",
        why: "Its next upgrade or reset looks at this annotation, and would look for Docker.",
      },
      { kind: "annotate-node", node, key: "kubeadm.alpha.kubernetes.io/cri-socket", value: endpoint },
    );
  }
  if (target !== "cri-dockerd") {
    steps.add(
      {
        id: "sweep",
        title: "Sweep what Docker left behind",
        why: "Bridges and rules of a Docker that is gone mislead people and tools; before the proof, so that it is proven without them.",
      },
      { kind: "sweep-residue", items: dockerResidue() },
    );
  }
  const image = smokeImageOf(input);
  if (image !== null) {
    steps.add(
      {
        id: "smoke-pod",
        title: "Run a pod on the node",
        why: "Ready is what the node says; a pod shows that it works.",
      },
      { kind: "smoke-pod", node, image, timeoutMs: options.nodeTimeoutMs },
    );
  }
  steps.add({ id: "uncordon", title: `Uncordon ${node}`, why: "Pods may come again." }, { kind: "uncordon", node });
  if (facts.docker !== undefined && target !== "cri-dockerd") {
    steps.add(
      {
        id: "purge",
        title: "Remove Docker and its data",
        why: "Only by ferry migrate purge, after a while on the new runtime: nothing goes back afterwards.",
      },
      dockerPurge(facts.docker, facts.os.packageManager),
    );
  }
}

/** As asked for, else the best that is on the node. */
export function smokeImageOf({ options, store }: PlanInput): string | null {
  return options.smokeImage === undefined ? chooseSmokeImage(store?.names ?? []) : options.smokeImage;
}

/** On a control plane its own API server has to come up first. */
function nodeTimeout({ facts, options }: PlanInput): number {
  return facts.controlPlane.apiServer ? 2 * options.nodeTimeoutMs : options.nodeTimeoutMs;
}
