import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";
import { parseImageReference } from "../image-reference.ts";
import { probeLabel } from "./probe-pod.ts";

/** A registry that pods of a node use, with one image of it and the credentials its pod has. */
export type UsedRegistry = {
  readonly host: string;
  readonly image: string;
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
};

/** What pods of a node need of its runtime. */
export type UsedByPods = {
  /** Of pods with the same registry and credentials, one speaks for all. */
  readonly registries: readonly UsedRegistry[];
  /** Names of RuntimeClasses. */
  readonly runtimeClasses: readonly string[];
};

export async function listUsedByPods(call: Call, client: KubernetesClient, node: string): Promise<UsedByPods> {
  const registries = new Map<string, UsedRegistry>();
  const runtimeClasses = new Set<string>();
  for await (const page of client.list(call, "/api/v1/pods", { fieldSelector: `spec.nodeName=${node}` })) {
    for (const item of page.items) {
      const pod = new JsonReader(item, "pod");
      if (pod.at("metadata").at("labels").at("app").optionalString() === probeLabel) continue;
      const runtimeClass = pod.at("spec").at("runtimeClassName").optionalString() ?? "";
      if (runtimeClass !== "") runtimeClasses.add(runtimeClass);
      for (const registry of registriesOf(pod)) {
        const { host, namespace, pullSecrets } = registry;
        const key = [host, ...(pullSecrets.length === 0 ? [] : [namespace, ...pullSecrets])].join(" ");
        if (!registries.has(key)) registries.set(key, registry);
      }
    }
  }
  return {
    registries: [...registries.values()].sort((a, b) => (a.host < b.host ? -1 : 1)),
    runtimeClasses: [...runtimeClasses].sort(),
  };
}

function registriesOf(pod: JsonReader): UsedRegistry[] {
  const [metadata, spec] = [pod.at("metadata"), pod.at("spec")];
  const namespace = metadata.at("namespace").string();
  const secrets = spec.at("imagePullSecrets").list(100);
  const pullSecrets = secrets.map((secret) => secret.at("name").string()).sort();
  const containers = [...spec.at("containers").list(1_000), ...spec.at("initContainers").list(1_000)];
  return containers.map((container) => {
    const image = container.at("image").string();
    return { host: parseImageReference(image).registry, image, namespace, pullSecrets };
  });
}
