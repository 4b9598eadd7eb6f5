import assert from "node:assert/strict";
import test from "node:test";
import { parseVerification } from "#migrate/verify/verification.ts";
import { verifyRbac } from "#migrate/verify/rbac.ts";
import { Rights } from "../support/kubernetes/authorization.ts";
import { gpuRuntimeLog } from "../support/node/gpu-runtime.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import { ferryLayout } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";

const ferryPath = new URL("../../bin/ferry", import.meta.url).pathname;
const needed = ["unshare", "nsenter", "tini", "socat", "docker-registry", "umoci", "skopeo", "conmon", "crun"];

test("a node on Ferry has all that ferry migrate verify asks for, its GPU runtime too", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
  await using node = await KubernetesNode.open(ferryLayout());
  // With the printed rights, and no more.
  const rights = new Rights(verifyRbac("kube-system"), "ferry-verify");
  node.api.accounts.set("verifier", rights);
  await node.writeKubeconfig("/etc/kubernetes/verifier.conf", "verifier");
  const kubeconfig = ["--kubeconfig", "/etc/kubernetes/verifier.conf"];
  const images = ["--image", node.images.small, "--sandbox-image", `${node.images.host}/pause:3.9`];
  const words = ["verify", node.name, ...images, "--timeout", "60s", ...kubeconfig, "--format", "json"];
  const { code, stdout, stderr } = await node.machine.try([ferryPath, "migrate", ...words]);
  assert.equal(code, 0, stderr + stdout);
  const { runtime, proofs } = parseVerification(stdout);
  assert.match(runtime, /^ferry:/);
  assert.deepEqual(
    proofs.map(({ name, outcome }) => `${outcome} ${name}`),
    [
      "passed node ready",
      `passed pull ${node.images.host}`,
      "passed pull sandbox image",
      "passed exec",
      "passed port-forward",
      "passed logs",
      "passed port below 1024 without root",
      "passed runtime class nvidia",
      "passed gpu",
    ],
  );
  assert.match(await node.machine.read(gpuRuntimeLog), /\/run\/ferry\/.* gpu/);
  assert.deepEqual(rights.unused, []);
  // Nothing of it is left, in the cluster and on the node.
  await node.settled("ferry://");
});
