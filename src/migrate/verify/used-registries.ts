import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";

/** A registry that pods of a node use, with one image of it and the credentials its pod has. */
export type UsedRegistry = {
  readonly host: string;
  readonly image: string;
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
};

/** Registries that a node's pods use; of pods with the same registry and credentials, one speaks for all. */
export async function listUsedRegistries(call: Call, client: KubernetesClient, node: string): Promise<UsedRegistry[]> {
  const found = new Map<string, UsedRegistry>();
  for await (const page of client.list(call, "/api/v1/pods", { fieldSelector: `spec.nodeName=${node}` })) {
    for (const item of page.items) {
      const pod = new JsonReader(item, "pod");
      const namespace = pod.at("metadata").at("namespace").string();
      const secrets = pod.at("spec").at("imagePullSecrets").list(100);
      const pullSecrets = secrets.map((secret) => secret.at("name").string()).sort();
      for (const container of pod.at("spec").at("containers").list(1_000)) {
        const image = container.at("image").string();
        const host = registryOf(image);
        const key = [host, ...(pullSecrets.length === 0 ? [] : [namespace, ...pullSecrets])].join(" ");
        if (!found.has(key)) found.set(key, { host, image, namespace, pullSecrets });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** `docker.io` where a name has none. Source: https://pkg.go.dev/github.com/distribution/reference */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const isHost = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  return isHost ? first : "docker.io";
}
