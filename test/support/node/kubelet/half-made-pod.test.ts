import test from "node:test";
import { requireBinary, requireRoot } from "../../require.ts";
import { KubernetesNode } from "../kubernetes-node.ts";
import { nodeLayouts } from "../layouts.ts";

const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];

/** Takes net-1 back to where a kubelet is that was killed before its network's result was written. */
const unmake = `
set -e
label=io.kubernetes.pod.name=net-1
docker rm --force $(docker ps --quiet --filter label=$label --filter label=io.kubernetes.docker.type=container)
sandbox=$(docker ps --quiet --no-trunc --filter label=$label)
rm /var/lib/cni/cache/results/*-$sandbox-eth0
`;

test("a kubelet that was killed while it made a pod makes it anew when it is back", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, ...needed, "docker")) return;
  const [layout] = nodeLayouts;
  if (layout === undefined) throw new Error("no layout");
  await using node = await KubernetesNode.open(layout);
  await node.machine.run("systemctl", "stop", "kubelet.service");
  await node.machine.run("sh", "-c", unmake);
  const { store } = node.api;
  for (const pod of store.all({ apiVersion: "v1", resource: "pods" })) store.put("pods", { ...pod, status: {} });
  await node.machine.run("systemctl", "start", "kubelet.service");
  await node.settled("docker://");
});
