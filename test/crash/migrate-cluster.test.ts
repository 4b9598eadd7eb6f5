import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import test from "node:test";
import { reportAnnotation } from "#migrate/cluster-run/node-report.ts";
import { clusterRunRbac } from "#migrate/cluster-run/rbac.ts";
import { formatClusterPlan } from "#migrate/plan/cluster/cluster-plan.ts";
import { runToEnd } from "../support/ferry-bed.ts";
import { Rights } from "../support/kubernetes/authorization.ts";
import { asObject } from "../support/kubernetes/delete-object.ts";
import { runJobs } from "../support/kubernetes/jobs.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import { nodeLayouts } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";

const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];
const [driving, moving] = ["/etc/kubernetes/ferry-driver.conf", "/etc/kubernetes/ferry-mover.conf"];

test("a Job's pod on Docker hands its node the move, which outlives it and reports by itself", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
  const layout = nodeLayouts.find(({ version }) => version === "1.23.17");
  assert.ok(layout);
  await using node = await KubernetesNode.open(layout);
  const { machine, api } = node;
  runJobs(api);
  // Both sides have the printed rights, and no more.
  const rbac = clusterRunRbac("kube-system");
  const [driver, mover] = [new Rights(rbac, "ferry-migrate"), new Rights(rbac, "ferry-migrate-node")];
  api.accounts.set("driver", driver).set("mover", mover);
  await node.writeKubeconfig(driving, "driver");
  await node.writeKubeconfig(moving, "mover");
  await machine.write("/usr/local/bin/ferry", `#!/bin/sh\nexec ${ferry} "$@"\n`, 0o755);
  const order = machine.at("order.json");
  const batch = { id: "01-canary", title: "canary", why: "alone", nodes: [node.name], soakMs: 500 };
  const rest = { skipped: [], managed: [], notes: [], cluster: "test", madeAt: "2026-01-01T00:00:00Z" };
  const plan = { version: 1, kind: "cluster", target: "containerd", batches: [batch], ...rest } as const;
  await writeFile(order, formatClusterPlan(plan));
  const jobPods: string[] = [];
  api.store.listeners.add(({ type, resource, object }) => {
    const isOfJob = resource === "pods" && object.metadata.labels?.["ferry.dev/run"] !== undefined;
    if (isOfJob && type === "MODIFIED") jobPods.push(String(asObject(object["status"])["phase"]));
  });
  const flags = ["--kubeconfig", machine.at(driving), "--image", node.images.small, "--interval", "300ms"];
  const onNode = ["--node-kubeconfig", moving, "--smoke-image", node.images.small];
  const argv = [ferry, "migrate", "cluster", ...flags, ...onNode, order];
  const { code, stdout, stderr } = await runToEnd(argv, { timeoutMs: 300_000 });
  const log = await machine.run("journalctl", "-u", "ferry-migrate-cluster.service");
  assert.equal(code, 0, `${stdout}${stderr}\n${log}`);
  assert.match(node.runtimeVersion, /^containerd:/);
  assert.ok(jobPods.includes("Succeeded"), `the Job's pod: ${jobPods.join(" ")}`);
  const report: unknown = JSON.parse(String(asObject(node.object?.metadata["annotations"])[reportAnnotation]));
  assert.deepEqual([asObject(report)["state"], asObject(report)["attempt"]], ["moved", 1]);
  assert.match(stdout, /worker-1 {2}moves: \d\d-.*drain[^]*worker-1 {2}is Ready[^]*every node of the plan is moved/);
  // No budget was in the way.
  const unused = { driver: [], mover: ["poddisruptionbudgets list"] };
  assert.deepEqual({ driver: driver.unused, mover: mover.unused }, unused);
});
