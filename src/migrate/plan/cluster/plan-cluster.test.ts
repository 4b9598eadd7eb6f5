import assert from "node:assert/strict";
import test from "node:test";
import type { Budget, ClusterNode } from "./cluster-nodes.ts";
import { formatClusterPlan, parseClusterPlan, type ClusterPlan } from "./cluster-plan.ts";
import type { OrderOptions } from "./order-nodes.ts";
import { planCluster } from "./plan-cluster.ts";
import { renderClusterPlan } from "./render-cluster-plan.ts";

const order: OrderOptions = { batchSize: { percent: 50 }, canaries: [], soakMs: 120_000, canarySoakMs: 1_800_000 };

function node(name: string, values: Partial<ClusterNode> = {}): ClusterNode {
  return {
    name,
    zone: "",
    isControlPlane: false,
    hasEtcd: false,
    hasGpu: false,
    isReady: true,
    isUnschedulable: false,
    os: "linux",
    runtime: "docker://20.10.24",
    kubelet: "v1.23.17",
    pool: undefined,
    podCount: 5,
    budgets: [],
    ...values,
  };
}

function plan(nodes: ClusterNode[], values: Partial<Parameters<typeof planCluster>[0]> = {}): ClusterPlan {
  const input = { cluster: "test", nodes, budgets: [], target: "containerd", only: [], order, madeAt: "now" } as const;
  return planCluster({ ...input, ...values });
}

const nodesOf = ({ batches }: ClusterPlan) => batches.map(({ nodes }) => nodes.join(" "));

test("canary, zones one after the other, GPUs, control plane one at a time", () => {
  const made = plan([
    ...["1", "2", "3"].map((n) => node(`cp-${n}`, { isControlPlane: true, hasEtcd: true })),
    ...["1", "2", "3", "4"].map((n) => node(`a-${n}`, { zone: "a" })),
    node("b-1", { zone: "b", podCount: 1 }),
    node("b-2", { zone: "b" }),
    node("g-1", { zone: "a", hasGpu: true }),
  ]);
  assert.deepEqual(nodesOf(made), ["b-1", "a-1 a-2", "a-3 a-4", "b-2", "g-1", "cp-1", "cp-2", "cp-3"]);
  assert.match(made.batches.at(-1)?.why ?? "", /2 of 3 etcd members stay up, 2 are needed/);
  assert.equal(made.batches[0]?.soakMs, 1_800_000);
  assert.deepEqual(parseClusterPlan(formatClusterPlan(made)), made);
  assert.equal(renderClusterPlan(made)[0], "test: 10 nodes to containerd, in 8 batches");
});

test("a zone never loses all its nodes at once, while it has others", () => {
  const made = plan([node("a-1", { zone: "a" }), node("a-2", { zone: "a" }), node("b-1", { zone: "b" })], {
    order: { ...order, batchSize: { count: 9 }, canaries: ["b-1"] },
  });
  assert.deepEqual(nodesOf(made), ["b-1", "a-1", "a-2"]);
  assert.deepEqual(made.notes, ["zone b has one node only: it has none while b-1 moves"]);
});

test("nodes of one budget go together only as far as it allows", () => {
  const budgets: Budget[] = [
    { name: "ns/db", allowed: 1 },
    { name: "ns/web", allowed: 2 },
    { name: "ns/stuck", allowed: 0 },
  ];
  const made = plan(
    [
      node("n0"),
      node("n1", { budgets: ["ns/db"] }),
      node("n2", { budgets: ["ns/db"] }),
      node("n3", { budgets: ["ns/web"] }),
      node("n4", { budgets: ["ns/web"] }),
      node("n5", { budgets: ["ns/web", "ns/stuck"] }),
    ],
    { budgets, order: { ...order, batchSize: { count: 4 }, canaries: ["n0"] } },
  );
  assert.deepEqual(nodesOf(made), ["n0", "n1 n3 n4", "n2 n5"]);
  assert.deepEqual(made.notes, ["budget ns/stuck allows no disruption now: the drain of n5 waits for it"]);
});

test("who does not move is said, with the reason", () => {
  const pool = { provider: "gke", name: "default" } as const;
  const made = plan([
    node("moved", { runtime: "containerd://1.7.28" }),
    node("crio", { runtime: "cri-o://1.23.0" }),
    node("down", { isReady: false }),
    node("win", { os: "windows" }),
    node("gke-1", { pool }),
    node("gke-2", { pool }),
    node("w"),
  ]);
  assert.deepEqual(nodesOf(made), ["w"]);
  assert.deepEqual(made.skipped, [
    { node: "crio", why: "runs cri-o://1.23.0, not Docker" },
    { node: "down", why: "not Ready: mend it first" },
    { node: "moved", why: "runs containerd already" },
    { node: "win", why: "runs Windows: join a new node with containerd in its place" },
  ]);
  assert.deepEqual(
    made.managed.map(({ pool: name, nodes }) => [name, nodes]),
    [["default", ["gke-1", "gke-2"]]],
  );
});

test("one etcd member, or two: what it means is said", () => {
  const one = plan([node("cp", { isControlPlane: true, hasEtcd: true })]);
  assert.match(one.batches[0]?.why ?? "", /this member only: the API is away/);
  const two = plan(["1", "2"].map((n) => node(n, { isControlPlane: true, hasEtcd: true })));
  assert.deepEqual(two.notes, ["etcd has two members: while either moves, the API is away"]);
});

test("the order of what is read does not matter", () => {
  const nodes = ["d", "a", "c", "b"].map((name) => node(name, { zone: "z" }));
  assert.deepEqual(plan(nodes), plan(nodes.toReversed()));
});

test("a node that the cluster does not know is told", () => {
  assert.throws(() => plan([node("a")], { only: ["b"] }), /node b: not in the cluster/);
  assert.throws(
    () => parseClusterPlan(JSON.stringify({ version: 1 })),
    /a plan of one node, for ferry migrate apply, or none at all/,
  );
  assert.throws(() => parseClusterPlan(JSON.stringify({ version: 2, kind: "cluster" })), /version 2/);
});
