import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { fails } from "#test/support/fails.ts";
import { sendStatus, TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { fillCluster } from "#test/support/kubernetes/generated-cluster.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { readApi } from "./read-api.ts";

const call = { signal: new AbortController().signal };

async function openBed() {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("read-api"));
  const server = stack.use(await TestApiServer.start());
  const kubeconfig = await server.writeKubeconfig(join(directory.path, "config"));
  const client = stack.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  return { server, client, [Symbol.asyncDispose]: async () => await stack.disposeAsync() };
}

test("an older version is asked where a newer one is not served; evidence names the one that answered", async () => {
  await using bed = await openBed();
  fillCluster(bed.server, { nodes: 1, pods: 1 });
  bed.server.store.put("cronjobs", {
    apiVersion: "batch/v1beta1",
    kind: "CronJob",
    metadata: { name: "nightly", namespace: "n" },
    spec: { suspend: true, jobTemplate: { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } } },
  });
  bed.server.handlers.push(({ path }, response) => {
    const isGone = path === "/apis/batch/v1/cronjobs" || path.startsWith("/apis/monitoring.coreos.com");
    if (isGone) sendStatus(response, 404, "NotFound", "the server could not find the requested resource");
    return isGone;
  });
  const facts = await readApi(call, { client: bed.client, progress() {}, askKubelets: false });
  const nightly = facts.workloads.find(({ ref }) => ref.name === "nightly");
  assert.deepEqual(nightly?.place, { t: "api", path: "/apis/batch/v1beta1/namespaces/n/cronjobs/nightly" });
  assert.equal(nightly.isSuspended, true);
  assert.deepEqual(facts.missing, []);
});

test("progress counts along, kubelets are asked once each", async () => {
  await using bed = await openBed();
  fillCluster(bed.server, { nodes: 3, pods: 300 });
  const seen: string[] = [];
  const facts = await readApi(call, { client: bed.client, progress: (text) => seen.push(text), askKubelets: true });
  assert.deepEqual(
    seen.filter((text) => /^(?:pods|kubelets):/.test(text)),
    ["pods: 250 of 300", "pods: 300", "kubelets: 1 of 3", "kubelets: 2 of 3", "kubelets: 3 of 3"],
  );
  assert.deepEqual(
    facts.nodes.map(({ config }) => config?.values["cgroupDriver"]),
    ["systemd", "systemd", "systemd"],
  );
});

test("an aborted reading ends, whatever it was at", async () => {
  await using bed = await openBed();
  fillCluster(bed.server, { nodes: 3, pods: 300 });
  const stop = new AbortController();
  const progress = (text: string) => {
    if (text.startsWith("pods")) stop.abort();
  };
  await fails("canceled", readApi({ signal: stop.signal }, { client: bed.client, progress, askKubelets: true }));
});

test("a kubelet that does not answer is no gap of the report", async () => {
  await using bed = await openBed();
  fillCluster(bed.server, { nodes: 2, pods: 2 });
  bed.server.handlers.push(({ path }, response) => {
    const isDown = path.startsWith("/api/v1/nodes/node-0001/proxy");
    if (isDown) sendStatus(response, 503, "ServiceUnavailable", "error trying to reach service");
    return isDown;
  });
  const { missing, nodes } = await readApi(call, { client: bed.client, progress() {}, askKubelets: true });
  assert.deepEqual(
    missing.map(({ what, isOptional }) => [what, isOptional]),
    [["kubelet of node-0001", true]],
  );
  assert.deepEqual(
    nodes.map(({ config }) => config === undefined),
    [false, true],
  );
});

test("what keeps the API server from many kubelets is said once", async () => {
  await using bed = await openBed();
  fillCluster(bed.server, { nodes: 8, pods: 8 });
  bed.server.handlers.push(({ path }, response) => {
    const node = /^\/api\/v1\/nodes\/([^/]+)\/proxy/.exec(path)?.[1];
    if (node !== undefined) sendStatus(response, 500, "InternalError", `dial ${node}: i/o timeout`);
    return node !== undefined;
  });
  const { missing } = await readApi(call, { client: bed.client, progress() {}, askKubelets: true });
  assert.deepEqual(missing, [
    {
      what: "kubelets of node-0000, node-0001, node-0002, node-0003, node-0004 and 3 more",
      why: "GET /api/v1/nodes/NODE/proxy/configz: dial NODE: i/o timeout",
      isOptional: true,
    },
  ]);
});
