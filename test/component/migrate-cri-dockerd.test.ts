import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { openCriConnection } from "#clients/cri/cri-connection.ts";
import { criDockerdUnit, dockershimFlags } from "#migrate/convert/cri-dockerd-unit.ts";
import { testCall } from "../support/call.ts";
import { eventuallyEqual } from "../support/eventually.ts";
import { runToEnd } from "../support/ferry-bed.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import { nodeLayouts, type NodeLayout } from "../support/node/layouts.ts";
import { findBinary, requireBinary, requireRoot } from "../support/require.ts";

// With a real cri-dockerd, where there is one: `FERRY_CRI_DOCKERD`, else on PATH. Debian has no package of it.
const program = process.env["FERRY_CRI_DOCKERD"] ?? "cri-dockerd";
const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];
const allPods = { name: "docker", pods: ["net-1", "static", "web-1"] };
const ferryPath = new URL("../../bin/ferry", import.meta.url).pathname;

test("each flag that cri-dockerd is given is one that it knows", async (t) => {
  if (!requireBinary(t, program)) return;
  const { stdout } = await runToEnd([program, "--help"]);
  const known = new Set([...stdout.matchAll(/^ +(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name));
  const unit = criDockerdUnit(() => "1", "pause");
  const given = [...unit.matchAll(/ --([\w-]+)/g)].map(([, name]) => name);
  assert.ok(given.length > dockershimFlags.length);
  assert.deepEqual(
    given.filter((name) => !known.has(name)),
    [],
  );
});

test("a node leaves dockershim for cri-dockerd, and goes back", async (t) => {
  if (!requireBinary(t, program)) return;
  // Kubelets before 1.23 need CRI v1alpha2.
  await using node = await openNode(t, (await speaksAlpha()) ? "1.19.16" : "1.23.17");
  if (node === undefined) return;
  const before = await stateOf(node);
  await move(node, "cri-dockerd");
  await node.settled("docker://", ["net-1", "static-worker-1"]);
  assert.match(await node.machine.read("var/lib/kubelet/kubeadm-flags.env"), /cri-dockerd\.sock/);
  await eventuallyEqual(async () => await runtimeOf(node), { name: "docker", pods: ["net-1", "static"] });
  await goBack(node, before);
  await assert.rejects(runtimeOf(node), { kind: "unavailable" });
});

test("a node leaves cri-dockerd for containerd, and goes back", async (t) => {
  await using node = await openNode(t, "1.27.16");
  if (node === undefined) return;
  const before = await stateOf(node);
  await eventuallyEqual(async () => await runtimeOf(node), allPods);
  await move(node, "containerd");
  await node.settled("containerd://", ["net-1", "static-worker-1"]);
  await assert.rejects(runtimeOf(node), { kind: "unavailable" });
  const units = (await node.units()).filter((line) => /^(docker|cri-docker)/.test(line));
  assert.deepEqual(
    units.filter((line) => !line.endsWith("inactive disabled")),
    [],
  );
  await goBack(node, before);
  await eventuallyEqual(async () => await runtimeOf(node), allPods);
});

/** Up to 0.3.21. */
async function speaksAlpha(): Promise<boolean> {
  const { stdout, stderr } = await runToEnd([program, "--version"]);
  const [, minor, patch] = /\b0\.(\d+)\.(\d+)/.exec(stdout + stderr) ?? [];
  return Number(minor) < 3 || (Number(minor) === 3 && Number(patch) <= 21);
}

async function openNode(t: TestContext, version: NodeLayout["version"]): Promise<KubernetesNode | undefined> {
  if (!requireRoot(t) || !requireBinary(t, ...needed, program)) return undefined;
  const layout = nodeLayouts.find((one) => one.version === version);
  assert.ok(layout !== undefined);
  return await KubernetesNode.open(layout, findBinary(program));
}

async function stateOf(node: KubernetesNode) {
  return { files: await node.listing(), units: await node.units(), node: node.marks };
}

async function move(node: KubernetesNode, target: string): Promise<void> {
  const path = node.machine.at("plan.json");
  const options = ["--target", target, "--smoke-image", node.images.small, "--out", path];
  await node.machine.run(ferryPath, "migrate", "plan", ...options);
  await node.machine.run(ferryPath, "migrate", "apply", path);
}

async function goBack(node: KubernetesNode, before: unknown): Promise<void> {
  await node.machine.run(ferryPath, "migrate", "rollback");
  assert.deepEqual(await stateOf(node), before);
  node.putPods();
  await node.settled("docker://");
}

/** What answers on cri-dockerd's socket, and the pods that it runs. @throws unavailable when nobody does */
async function runtimeOf(node: KubernetesNode) {
  using cri = await openCriConnection(testCall(), node.machine.at("run/cri-dockerd.sock"));
  const { items } = await cri.runtime.listPodSandbox({});
  const ready = items.filter(({ state }) => state === 0);
  return { name: cri.runtimeName, pods: ready.map(({ metadata }) => metadata?.name ?? "").sort() };
}
