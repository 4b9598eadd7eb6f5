import assert from "node:assert/strict";
import test from "node:test";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { fails } from "#test/support/fails.ts";
import { sendStatus, TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { serveWrites } from "#test/support/kubernetes/writes.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { Commands } from "../commands.ts";
import { HostFiles } from "../../host/host-files.ts";
import { Units } from "../units.ts";
import { smokePod } from "./smoke-pod.ts";

const call = { signal: new AbortController().signal };
const node = "worker-1";

test("a node's own identity may make no pod: a DaemonSet's that is ready on the new runtime takes its place", async () => {
  await using bed = await openBed();
  bed.putPod({ ready: true, containerID: "containerd://2" });
  await bed.prove(60_000);
  assert.match(bed.told[0] ?? "", /can only create mirror pods\): DaemonSets' pods are looked at/);
  assert.equal(bed.told[1], "pod kube-system/net-1 is ready");
});

test("a pod that is not ready, or was when it was Docker's, proves nothing", async () => {
  await using bed = await openBed();
  bed.putPod({ ready: false, containerID: "containerd://2" });
  await fails("deadlineExceeded", bed.prove(2_000), /not ready: pod kube-system\/net-1|does not answer/);
  bed.putPod({ ready: true, containerID: "docker://1" });
  await fails("deadlineExceeded", bed.prove(2_000), /not ready|does not answer/);
});

test("where no DaemonSet has a pod, it is said that nothing is proven", async () => {
  await using bed = await openBed();
  await bed.prove(60_000);
  assert.equal(bed.told[1], "no DaemonSet has a pod here: nothing is proven");
});

/** An API server that treats the node as NodeRestriction and the Node authorizer do. */
async function openBed() {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await TestApiServer.start());
  serveWrites(server);
  server.handlers.push(({ method, target, query }, response) => {
    const isOwn = query.get("fieldSelector") === `spec.nodeName=${node}`;
    const isRefused = target?.resource === "pods" && (method === "POST" || (method === "GET" && !isOwn));
    if (isRefused) sendStatus(response, 403, "Forbidden", `node "${node}" can only create mirror pods`);
    return isRefused;
  });
  const status = { nodeInfo: { containerRuntimeVersion: "containerd://1.7.28" } };
  server.store.put("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: node }, status });
  const { path } = undo.use(await temporaryDirectory("smoke"));
  const kubeconfig = await server.writeKubeconfig(`${path}/config`);
  const client = undo.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  const told: string[] = [];
  const commands = new Commands({});
  const machine = { files: new HostFiles(), commands, units: new Units(commands), apiTimeoutMs: 60_000 };
  const context = {
    undoDirectory: path,
    ...machine,
    kubernetes: async () => await Promise.resolve(client),
    tell: (text: string) => told.push(text),
  };
  const owned = undo.move();
  return {
    told,
    prove: async (timeoutMs: number) => {
      const step = smokePod(context, { kind: "smoke-pod", node, image: "busybox", timeoutMs });
      await step.do(call);
    },
    putPod: (container: { ready: boolean; containerID: string }) => {
      const ownerReferences = [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "net", uid: "1", controller: true }];
      const metadata = { namespace: "kube-system", name: "net-1", ownerReferences };
      const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { nodeName: node } };
      server.store.put("pods", { ...pod, status: { containerStatuses: [container] } });
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
