import assert from "node:assert/strict";
import test from "node:test";
import { KubernetesApiError } from "#clients/kubernetes/api-error.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { refusingBudgets } from "./budgets.ts";
import { listNodePods, refusals } from "./drain-pods.ts";

const call = { signal: new AbortController().signal };
const owner = (kind: string) => [{ apiVersion: "apps/v1", kind, name: "o", uid: "1", controller: true }];
const strict = { gracePeriodSeconds: null, timeoutMs: 1_000, deleteEmptyDirData: false, force: false };

async function openCluster() {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await TestApiServer.start());
  const directory = undo.use(await temporaryDirectory("drain"));
  const kubeconfig = await server.writeKubeconfig(`${directory.path}/config`);
  const client = undo.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  const put = (name: string, metadata: object, more: { spec?: object; status?: object } = {}) => {
    const spec = { nodeName: "n1", ...more.spec };
    const object = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "a", ...metadata } };
    server.store.put("pods", { ...object, spec, status: more.status ?? { phase: "Running" } });
  };
  const owned = undo.move();
  return { server, client, put, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

test("pods that belong to the node stay, others leave it", async () => {
  await using cluster = await openCluster();
  cluster.put("replica", { ownerReferences: owner("ReplicaSet") });
  cluster.put("daemon", { ownerReferences: owner("DaemonSet") });
  cluster.put("mirror", { annotations: { "kubernetes.io/config.mirror": "1" } });
  cluster.put("elsewhere", { ownerReferences: owner("ReplicaSet") }, { spec: { nodeName: "n2" } });
  cluster.put("bare", {});
  cluster.put("scratch", { ownerReferences: owner("Job") }, { spec: { volumes: [{ name: "s", emptyDir: {} }] } });
  cluster.put("finished", {}, { status: { phase: "Succeeded" } });
  const pods = await listNodePods(call, cluster.client, "n1");
  assert.deepEqual(pods.map(({ name }) => name).sort(), ["bare", "finished", "replica", "scratch"]);
  assert.deepEqual(refusals(pods, strict), [
    "pod a/bare: nothing would bring it back (force is needed)",
    "pod a/scratch: its emptyDir data would be lost (deleting it must be allowed)",
  ]);
  assert.deepEqual(refusals(pods, { ...strict, force: true, deleteEmptyDirData: true }), []);
});

test("the budget in the way is named with its figures, of two expressions too", async () => {
  await using cluster = await openCluster();
  const budget = (name: string, selector: object) =>
    cluster.server.store.put("poddisruptionbudgets", {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name, namespace: "a" },
      spec: { selector },
      status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 },
    });
  budget("web", { matchExpressions: [{ key: "app", operator: "In", values: ["web", "shop"] }] });
  budget("other", { matchLabels: { app: "other" } });
  cluster.put("web-1", { labels: { app: "web" }, ownerReferences: owner("ReplicaSet") });
  const [pod] = await listNodePods(call, cluster.client, "n1");
  assert.ok(pod !== undefined);
  const refusal = new KubernetesApiError("POST /eviction", { status: 429, body: {} });
  const why = await refusingBudgets(call, cluster.client, pod, refusal);
  assert.equal(why, "budget a/web allows 0 disruptions (1 healthy, 1 needed)");
});
