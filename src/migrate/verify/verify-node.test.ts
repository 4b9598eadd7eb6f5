import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { json } from "node:stream/consumers";
import { messageOf } from "#base/errors.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { fails } from "#test/support/fails.ts";
import { sendStatus, TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { asObject } from "#test/support/kubernetes/delete-object.ts";
import { serveWrites } from "#test/support/kubernetes/writes.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { waitForPod, withProbePod } from "./probe-pod.ts";
import { verifyNode } from "./verify-node.ts";

const call = { signal: new AbortController().signal };

test("a node that can do nothing says of each thing what failed, and what to do", async () => {
  await using bed = await openBed();
  bed.putUser({ runtimeClassName: "gone" });
  bed.putUser({ runtimeClassName: "nvidia", imagePullSecrets: [{ name: "regcred" }] });
  const { proofs } = await verifyNode(call, bed.client, { ...bed.options, sandboxImage: "r.io/pause:1" });
  const told = proofs.map(({ name, outcome, next }) => `${outcome} ${name}: ${next?.slice(0, 30) ?? ""}`);
  assert.deepEqual(told, [
    "failed node ready: kubectl describe node n1; on i",
    "failed pull r.io: look at the pod's imagePullSec",
    "failed pull r.io with regcred: look at the pod's imagePullSec",
    "failed pull sandbox image: look at the pod's imagePullSec",
    "failed exec: the kubelet reaches the runtim",
    "failed port-forward: the kubelet reaches the runtim",
    "failed logs: on the node: crictl logs CONTA",
    "failed port below 1024 without root: set enable_unprivileged_ports ",
    "failed runtime class gone: the runtime has the handler, a",
    "failed runtime class nvidia: the runtime has no such handle",
    "failed gpu: every GPU of the node is taken",
  ]);
  const details = proofs.map(({ detail }) => detail.replace(/probe-[0-9a-f]+/, "probe"));
  assert.equal(details[0], "node n1: not Ready: no network");
  assert.equal(details[4], "pod kube-system/ferry-migrate-probe: Failed: StartError");
  assert.equal(details[8], "runtime class gone: not in the cluster");
  assert.deepEqual(bed.probes(), []);
});

test("what a node has none of is skipped, and what earlier runs have left is removed", async () => {
  await using bed = await openBed({ gpus: "0" });
  bed.api.store.put("pods", pod("left-over", { app: "ferry-migrate-probe", node: "n1" }, { nodeName: "n1" }));
  const heard: string[] = [];
  const { proofs } = await verifyNode(call, bed.client, {
    ...bed.options,
    onProof: ({ name }) => void heard.push(name),
  });
  const skipped = proofs.filter(({ outcome }) => outcome === "skipped").map(({ name }) => name);
  assert.deepEqual(skipped, ["pull sandbox image", "gpu"]);
  assert.deepEqual(
    heard,
    proofs.map(({ name }) => name),
  );
  assert.deepEqual(bed.probes(), []);
});

test("why an image was refused is told, also when the kubelet only waits by now", async () => {
  await using bed = await openBed();
  const { store } = bed.api;
  const waiting = (reason: string, message: string) => ({
    phase: "Pending",
    containerStatuses: [{ name: "probe", ready: false, state: { waiting: { reason, message } } }],
  });
  const states = [
    waiting("ErrImagePull", "dial tcp 192.0.2.1:443: i/o timeout"),
    waiting("ImagePullBackOff", 'Back-off pulling image "r.io/app:1"'),
    waiting("ErrImagePull", "pull access denied, repository does not exist"),
  ];
  const place = { namespace: "default", name: "slow" };
  const seen: string[] = [];
  store.put("pods", { ...pod("slow", {}, {}), status: states[0] });
  const refusal = waitForPod(call, bed.client, place, ({ text }) => {
    seen.push(text);
    store.put("pods", { ...pod("slow", {}, {}), status: states[seen.length] });
    return false;
  });
  await fails("deadlineExceeded", refusal, /pod default\/slow: Pending: ErrImagePull: pull access denied/);
  assert.match(seen[1] ?? "", /ImagePullBackOff: Back-off .*; before: Pending: ErrImagePull: dial tcp .* i\/o timeout/);
});

test("a probe whose making was not answered goes all the same; why it failed is told, though its removal failed too", async () => {
  await using bed = await openBed();
  const make = async (): Promise<void> => {
    const probe = { node: "n1", namespace: "default", image: "busybox", command: ["true"] };
    await withProbePod(call, bed.client, probe, async () => await Promise.resolve());
  };
  bed.api.handlers.push(async ({ method, message }, response) => {
    if (method !== "POST") return false;
    const name = String(asObject(asObject(await json(message))["metadata"])["name"]);
    bed.api.store.put("pods", pod(name, { app: "ferry-migrate-probe" }, {}));
    response.destroy();
    return true;
  });
  await fails("unavailable", make(), /api server .*: /);
  assert.deepEqual(bed.probes(), []);
  bed.api.handlers.push(({ method }, response) => {
    if (method === "POST") sendStatus(response, 403, "Forbidden", "no pods may be made");
    if (method === "DELETE") sendStatus(response, 500, "InternalError", "none may be removed");
    return method !== "GET";
  });
  const error = await make().catch((reason: unknown) => reason);
  assert.match(messageOf(error), /no pods may be made/);
});

test("a server before Kubernetes 1.20 has its RuntimeClasses in v1beta1", async () => {
  await using bed = await openBed();
  bed.putUser({ runtimeClassName: "old" });
  const old = { apiVersion: "node.k8s.io/v1beta1", kind: "RuntimeClass", metadata: { name: "old" }, handler: "old" };
  bed.api.store.put("runtimeclasses", old);
  const { proofs } = await verifyNode(call, bed.client, bed.options);
  const detail = proofs.find(({ name }) => name === "runtime class old")?.detail ?? "";
  assert.match(detail, /^pod kube-system\/ferry-migrate-probe-/);
});

/** A node whose kubelet refuses every probe, each with a reason of its own. */
async function openBed({ gpus = "2" } = {}) {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryDirectory("verify"));
  const api = undo.use(await TestApiServer.start());
  serveWrites(api);
  const { store } = api;
  const condition = { type: "Ready", status: "False", message: "no network" };
  const status = { conditions: [condition], allocatable: { "nvidia.com/gpu": gpus }, nodeInfo: {} };
  store.put("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, status });
  const nvidia = {
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: { name: "nvidia" },
    handler: "nvidia",
  };
  store.put("runtimeclasses", nvidia);
  store.listeners.add(({ type, resource, object }) => {
    if (type !== "ADDED" || resource !== "pods" || object["status"] !== undefined) return;
    store.put("pods", { ...object, status: { phase: "Failed", reason: reasonFor(asObject(object["spec"])) } });
  });
  const kubeconfig = await api.writeKubeconfig(join(path, "kubeconfig"));
  const client = undo.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  let users = 0;
  const owned = undo.move();
  return {
    api,
    client,
    options: { node: "n1", image: "busybox", namespace: "kube-system", timeoutMs: 60_000 },
    putUser: (spec: object) => {
      const containers = [{ name: "c", image: "r.io/app:1" }];
      store.put("pods", pod(`user-${++users}`, {}, { nodeName: "n1", containers, ...spec }));
    },
    probes: () =>
      store
        .all({ apiVersion: "v1", resource: "pods" })
        .flatMap(({ metadata }) => (metadata.labels?.["app"] === "ferry-migrate-probe" ? [metadata.name] : [])),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function pod(name: string, labels: Record<string, string>, spec: object) {
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace: "default", name, labels }, spec, status: {} };
}

function reasonFor(spec: Record<string, unknown>): string {
  const [container] = Array.isArray(spec["containers"]) ? spec["containers"].map(asObject) : [];
  if (container?.["imagePullPolicy"] === "Always") return "ErrImagePull: 401 Unauthorized";
  if (JSON.stringify(container?.["resources"]).includes("nvidia.com/gpu")) return "OutOfnvidia.com/gpu";
  return spec["runtimeClassName"] === undefined ? "StartError" : 'no runtime for "nvidia" is configured';
}
