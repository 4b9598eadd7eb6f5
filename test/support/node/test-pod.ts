import type { StoredObject } from "../kubernetes/selectors.ts";

/** A pod of one container that says its name and ends when it is told to; a static one uses the node's network. */
export function testPod({
  name,
  owner,
  nodeName,
  image,
}: {
  readonly name: string;
  readonly owner: "ReplicaSet" | "DaemonSet" | "static";
  /** Of the node it is bound to; a static one is where its file is. */
  readonly nodeName?: string;
  readonly image: string;
}): StoredObject {
  const owned = {
    ownerReferences: [{ apiVersion: "apps/v1", kind: owner, name: "owner", uid: "1", controller: true }],
  };
  const command = ["sh", "-c", `trap 'exit 0' TERM; echo ${name} runs; sleep 100000 & wait`];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: name }, ...(owner === "static" ? {} : owned) },
    spec: {
      ...(owner === "static" ? { hostNetwork: true } : { nodeName }),
      containers: [{ name: "main", image, command }],
    },
  };
}
