import assert from "node:assert/strict";
import { readState } from "#migrate/apply/migration-run.ts";
import type { Target } from "#migrate/plan/step.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import type { NodeLayout } from "../support/node/layouts.ts";
import { nodeCommand } from "../support/node/test-node.ts";

const fixture = new URL("../../src/migrate/apply/apply-plan.fixture.ts", import.meta.url).pathname;
const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const journalDirectory = "/var/lib/ferry-migrate";
const prefixes: Readonly<Record<Target, string>> = {
  ferry: "ferry://",
  containerd: "containerd://",
  "cri-dockerd": "docker://",
};

/** What is to be the same, and how long it took. */
export type MovedNode = { readonly records: number; readonly applyMs: number; readonly rollbackMs: number };

/**
 * Moves a node of `layout` to `target` and back; then kills `apply` after each record that `at` picks and finishes it by a
 * second one, and in a second pass by a rollback that is itself killed. Asserts that the node is then as an undisturbed run
 * leaves it, or as it was before, to the byte.
 */
export async function moveAndKill(
  layout: NodeLayout,
  target: Target,
  at: (record: number) => boolean,
): Promise<MovedNode> {
  await using node = await KubernetesNode.open(layout);
  const plan = await makePlan(node, target);
  const run = async (verb: "apply" | "rollback", killAfter = 0) => {
    const argv = [...nodeCommand, fixture, verb, "/", journalDirectory, plan, String(killAfter)];
    const { code, stdout, stderr } = await node.machine.try(argv, { KUBECONFIG: "/etc/kubernetes/kubelet.conf" });
    const isExpected = code === 0 || (killAfter > 0 && code === null);
    assert.ok(
      isExpected,
      `${verb} of ${layout.version} to ${target}, killed after ${killAfter}: ${code}\n${stdout}${stderr}`,
    );
  };
  const back = async (why: string, original: unknown) => {
    await run("rollback");
    assert.deepEqual(await wholeState(node), original, `${why}: back`);
    node.putPods();
    await node.settled("docker://");
  };
  const original = await wholeState(node);
  const start = performance.now();
  await run("apply");
  const applied = performance.now();
  const moved = await state(node);
  assert.ok(node.runtimeVersion.startsWith(prefixes[target]), node.runtimeVersion);
  const records = (await readState(node.machine.at(journalDirectory))).length;
  const rolling = performance.now();
  await back("undisturbed", original);
  const rollbackMs = performance.now() - rolling;
  for (let record = 1; record <= records; record++) {
    if (!at(record)) continue;
    await run("apply", record);
    await run("apply");
    assert.deepEqual(await state(node), moved, `killed after record ${record}, resumed`);
    await back(`killed after record ${record}, resumed`, original);
    await run("apply", record);
    await run("rollback", 1 + (record % 5));
    await back(`killed after record ${record} and on the way back`, original);
  }
  return { records, applyMs: applied - start, rollbackMs };
}

async function makePlan(node: KubernetesNode, target: Target): Promise<string> {
  const path = node.machine.at("plan.json");
  const options = ["--target", target, "--smoke-image", node.images.small, "--out", path];
  await node.machine.run(ferry, "migrate", "plan", ...options);
  return path;
}

/** What is put back to the byte, times of files among it. */
async function wholeState(node: KubernetesNode) {
  return { files: await node.listing(), units: await node.units(), node: node.marks };
}

/** As an undisturbed run leaves it; files that were written have times of their own. */
async function state(node: KubernetesNode) {
  const files = (await node.listing()).map((line) => line.replace(/\|\d+\.\d{10}/, ""));
  await node.settled("", ["net-1", "static-worker-1"]);
  return { files, units: await node.units(), node: node.marks, pods: node.readyPods };
}
