import assert from "node:assert/strict";
import test from "node:test";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { observeJob } from "./observe-job.ts";

const call = { signal: new AbortController().signal };
const metadata = { namespace: "kube-system", name: "j" };
const failed = { conditions: [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded" }] };
const waiting = (reason: string, message?: string) => ({
  containerStatuses: [{ state: { waiting: { reason, message } } }],
});
const terminated = (exitCode: number, message?: string) => ({
  containerStatuses: [{ state: { terminated: { exitCode, message } } }],
});

test("what a Job's pod says of its trouble", async () => {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await TestApiServer.start());
  const { path } = undo.use(await temporaryDirectory("job"));
  const kubeconfig = await server.writeKubeconfig(`${path}/config`);
  const client = undo.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  const seen = async (job: object, pod?: object, creationTimestamp = new Date().toISOString()) => {
    const made = { ...metadata, creationTimestamp };
    server.store.put("jobs", { apiVersion: "batch/v1", kind: "Job", metadata: made, status: job });
    const labels = { "job-name": "j" };
    const object = { apiVersion: "v1", kind: "Pod", metadata: { namespace: "kube-system", name: "j-0", labels } };
    if (pod !== undefined) server.store.put("pods", { ...object, status: pod });
    return await observeJob(call, client, metadata);
  };
  assert.deepEqual(await observeJob(call, client, metadata), { t: "absent", why: "" });
  assert.deepEqual(await seen({}), { t: "active", why: "" });
  assert.deepEqual(await seen({}, undefined, "2026-01-01T00:00:00Z"), {
    t: "active",
    why: "it has no pod: kubectl -n kube-system describe job j",
  });
  assert.deepEqual(await seen({}, { phase: "Pending" }), { t: "active", why: "" });
  assert.deepEqual(await seen({}, waiting("ContainerCreating")), { t: "active", why: "" });
  assert.deepEqual(await seen({}, waiting("ErrImagePull", "no such host")), {
    t: "active",
    why: "ErrImagePull: no such host",
  });
  assert.deepEqual(await seen(failed, terminated(1, "Failed to find executable ferry\n")), {
    t: "failed",
    why: "Failed to find executable ferry",
  });
  assert.deepEqual(await seen(failed, terminated(127)), { t: "failed", why: "exit code 127" });
  assert.deepEqual(await seen(failed, { phase: "Failed", reason: "OutOfpods", message: "Node has no room" }), {
    t: "failed",
    why: "OutOfpods: Node has no room",
  });
  assert.deepEqual(await seen({}, terminated(0)), { t: "active", why: "" });
});
