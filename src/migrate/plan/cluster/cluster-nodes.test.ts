import assert from "node:assert/strict";
import test from "node:test";
import { FactsBuilder } from "../../cluster/facts-builder.ts";
import { Field } from "../../cluster/field.ts";
import { clusterNodesOf } from "./cluster-nodes.ts";

test("nodes with their zone, role, pool, pods and budgets", () => {
  const builder = new FactsBuilder();
  const add = (object: object) => builder.add(new Field(object), { t: "api", path: "/x" });
  const nodeOf = (name: string, labels: Record<string, string>) => ({
    kind: "Node",
    metadata: { name, labels },
    status: {
      nodeInfo: { kubeletVersion: "v1.23.17", containerRuntimeVersion: "docker://20.10.24" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
  const podOf = (namespace: string, name: string, node: string, labels: Record<string, string>) => ({
    kind: "Pod",
    metadata: { namespace, name, labels },
    spec: { nodeName: node, containers: [{ name, image: name }] },
  });
  add(nodeOf("cp", { "node-role.kubernetes.io/master": "", "failure-domain.beta.kubernetes.io/zone": "a" }));
  add(nodeOf("gpu", { "nvidia.com/gpu.present": "true", "topology.kubernetes.io/zone": "b" }));
  add(nodeOf("pool", { "eks.amazonaws.com/nodegroup": "general" }));
  add(podOf("kube-system", "etcd-cp", "cp", { component: "etcd" }));
  add(podOf("ns", "db-0", "gpu", { app: "db" }));
  add(podOf("other", "db-0", "pool", { app: "db" }));
  add({
    kind: "PodDisruptionBudget",
    metadata: { namespace: "ns", name: "db" },
    spec: { selector: { matchLabels: { app: "db" } } },
    status: { disruptionsAllowed: 1 },
  });
  const { nodes, budgets } = clusterNodesOf(builder.build({ directories: [] }));
  const shown = nodes.map(({ name, zone, isControlPlane, hasEtcd, hasGpu, pool, podCount, budgets: own }) => ({
    name,
    is: [zone, isControlPlane, hasEtcd, hasGpu, pool?.name, podCount, own.join(" ")].join(),
  }));
  assert.deepEqual(shown, [
    { name: "cp", is: "a,true,true,false,,1," },
    { name: "gpu", is: "b,false,false,true,,1,ns/db" },
    { name: "pool", is: ",false,false,false,general,1," },
  ]);
  assert.deepEqual(budgets, [{ name: "ns/db", allowed: 1 }]);
});
