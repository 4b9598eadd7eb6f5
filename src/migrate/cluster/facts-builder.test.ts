import assert from "node:assert/strict";
import test from "node:test";
import { nameOf } from "../assess/workload-finding.ts";
import type { Workload } from "./cluster-facts.ts";
import { FactsBuilder } from "./facts-builder.ts";
import { Field } from "./field.ts";

type Owner = { kind: string; name: string };

const spec = (image = "nginx") => ({ containers: [{ name: "main", image }] });

function object(kind: string, name: string, more: object = {}, owner?: Owner) {
  const ownerReferences = owner === undefined ? [] : [{ ...owner, apiVersion: "v1", controller: true }];
  return { kind, metadata: { name, namespace: "n", ownerReferences }, ...more };
}

const template = (image?: string) => ({ spec: { template: { spec: spec(image) } } });

function pod(name: string, owner?: Owner, more: object = {}) {
  const { metadata, ...rest } = object("Pod", name, {}, owner);
  const pod = { ...rest, metadata, spec: { ...spec(), nodeName: "n1" }, status: { phase: "Running" } };
  return { ...pod, ...more };
}

/** `deployment n/web (template): 2 pods` */
function tell({ ref, origin, pods, managedBy }: Workload): string {
  const manager = managedBy === undefined ? "" : `, made by ${nameOf(managedBy)}`;
  return `${nameOf(ref)} (${origin}): ${pods.length} pods${manager}`;
}

function workloadsOf(...objects: object[]): string[] {
  const builder = new FactsBuilder();
  for (const [at, one] of objects.entries()) builder.add(new Field(one), { t: "api", path: `/${at}` });
  return builder.build({ directories: [] }).workloads.map(tell);
}

const replicaSet = { kind: "ReplicaSet", name: "web-1" };

test("pods join the template of the outermost controller", () => {
  const found = workloadsOf(
    object("Deployment", "web", template()),
    object("ReplicaSet", "web-1", template(), { kind: "Deployment", name: "web" }),
    pod("web-1-a", replicaSet),
    pod("web-1-b", replicaSet),
  );
  assert.deepEqual(found, ["deployment n/web (template): 2 pods"]);
});

test("a pod that was changed on its way is a workload of its own with the same name", () => {
  const found = workloadsOf(
    object("Deployment", "web", template()),
    object("ReplicaSet", "web-1", template(), { kind: "Deployment", name: "web" }),
    pod("web-1-a", replicaSet, { spec: spec("sidecar") }),
  );
  assert.deepEqual(found, ["deployment n/web (template): 0 pods", "deployment n/web (pod): 1 pods"]);
});

test("custom owners are named, read or not", () => {
  const found = workloadsOf(
    object("StatefulSet", "db", template(), { kind: "Postgres", name: "main" }),
    pod("db-0", { kind: "StatefulSet", name: "db" }),
    pod("agent-x", { kind: "Fleet", name: "agents" }),
  );
  assert.deepEqual(found, [
    "statefulset n/db (template): 1 pods, made by postgres n/main",
    "fleet n/agents (pod): 1 pods",
  ]);
});

test("static pods, bare pods and pods that have ended", () => {
  const mirror = {
    metadata: { name: "kube-proxy-n1", namespace: "n", annotations: { "kubernetes.io/config.mirror": "x" } },
  };
  const ended = { status: { phase: "Succeeded" } };
  const found = workloadsOf(pod("kube-proxy-n1", undefined, mirror), pod("bare"), pod("done", undefined, ended));
  assert.deepEqual(found, ["pod n/kube-proxy-n1 (static): 1 pods", "pod n/bare (pod): 1 pods"]);
});

test("an owner that owns itself ends the way outwards", () => {
  const found = workloadsOf(object("ReplicaSet", "web-1", {}, replicaSet), pod("web-1-a", replicaSet));
  assert.deepEqual(found.length, 1);
});

test("values of wrong types are absent, not errors", () => {
  const found = workloadsOf(
    { kind: "Pod", metadata: { name: 7, labels: [1] }, spec: { containers: "none", volumes: [{ hostPath: 3 }, null] } },
    { kind: "Deployment", metadata: null, spec: { template: { spec: { containers: [null, 4, { env: {} }] } } } },
    { kind: "ConfigMap", data: { a: 1, b: "docker ps" } },
    { kind: "Node", status: "gone" },
  );
  assert.equal(found.length, 2);
});
