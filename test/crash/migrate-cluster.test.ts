import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import test from "node:test";
import { reportAnnotation } from "#migrate/cluster-run/node-report.ts";
import { formatClusterPlan } from "#migrate/plan/cluster/cluster-plan.ts";
import { runToEnd } from "../support/ferry-bed.ts";
import { asObject } from "../support/kubernetes/delete-object.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import { nodeLayouts } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";

const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

test("the controller hands a real node its move, which plans, applies and reports by itself", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
  const layout = nodeLayouts.find(({ version }) => version === "1.23.17");
  assert.ok(layout);
  await using node = await KubernetesNode.open(layout);
  const { machine } = node;
  await machine.write("/usr/local/bin/ferry", `#!/bin/sh\nexec ${ferry} "$@"\n`, 0o755);
  // One unit of a name at a time, as systemd has it.
  const unit =
    '#!/bin/sh\nmkdir "/run/unit-$2" || exit 1\nshift 2\nsetsid "$@" </dev/null >/var/log/cluster-node.log 2>&1 &\n';
  await machine.write("/usr/local/bin/systemd-run", unit, 0o755);
  const order = machine.at("order.json");
  const batch = { id: "01-canary", title: "canary", why: "alone", nodes: [node.name], soakMs: 500 };
  const rest = { skipped: [], managed: [], notes: [], cluster: "test", madeAt: "2026-01-01T00:00:00Z" };
  const plan = { version: 1, kind: "cluster", target: "containerd", batches: [batch], ...rest } as const;
  await writeFile(order, formatClusterPlan(plan));
  const runner = `exec ${machine.enter.join(" ")} env -i PATH=${path} sh`;
  const kubeconfig = machine.at("etc/kubernetes/kubelet.conf");
  const flags = ["--kubeconfig", kubeconfig, "--runner", runner, "--interval", "300ms"];
  const onNode = ["--node-kubeconfig", "/etc/kubernetes/kubelet.conf", "--smoke-image", node.images.small];
  const argv = [ferry, "migrate", "cluster", ...flags, ...onNode, order];
  const { code, stdout, stderr } = await runToEnd(argv, { timeoutMs: 150_000 });
  const log = await machine.read("/var/log/cluster-node.log").catch(() => "nothing was started");
  assert.equal(code, 0, `${stdout}${stderr}\n${log}`);
  assert.match(node.runtimeVersion, /^containerd:/);
  const report: unknown = JSON.parse(String(asObject(node.object?.metadata["annotations"])[reportAnnotation]));
  assert.deepEqual([asObject(report)["state"], asObject(report)["attempt"]], ["moved", 1]);
  assert.match(stdout, /worker-1 {2}moves: \d\d-.*drain[^]*worker-1 {2}is Ready[^]*every node of the plan is moved/);
});
