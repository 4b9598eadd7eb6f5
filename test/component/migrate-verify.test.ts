import assert from "node:assert/strict";
import test from "node:test";
import { parseVerification } from "#migrate/verify/verification.ts";
import { verifyRbac } from "#migrate/verify/rbac.ts";
import { Rights } from "../support/kubernetes/authorization.ts";
import { asObject } from "../support/kubernetes/delete-object.ts";
import { gpuRuntimeLog } from "../support/node/gpu-runtime.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import { ferryLayout } from "../support/node/layouts.ts";
import { testPod } from "../support/node/test-pod.ts";
import { command } from "../support/processes.ts";
import { TestRegistry } from "../support/registry.ts";
import { requireBinary, requireRoot } from "../support/require.ts";

const ferryPath = new URL("../../bin/ferry", import.meta.url).pathname;
const needed = ["unshare", "nsenter", "tini", "socat", "docker-registry", "umoci", "skopeo", "conmon", "crun"];

test("a node on Ferry has all that ferry migrate verify asks for, its GPU runtime too", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
  await using node = await KubernetesNode.open(ferryLayout());
  await using registry = await TestRegistry.start({ address: node.machine.gateway, auth });
  await putPrivatePod(node, registry);
  const pulls = () => registry.count(/^(GET|HEAD) .*\/manifests\//);
  const earlier = pulls();
  // With the printed rights, and no more.
  const rights = new Rights(verifyRbac("kube-system"), "ferry-verify");
  node.api.accounts.set("verifier", rights);
  await node.writeKubeconfig("/etc/kubernetes/verifier.conf", "verifier");
  const kubeconfig = ["--kubeconfig", "/etc/kubernetes/verifier.conf"];
  const images = ["--image", node.images.small, "--sandbox-image", `${node.images.host}/pause:3.9`];
  const words = ["verify", node.name, ...images, "--timeout", "240s", ...kubeconfig, "--format", "json"];
  const { code, stdout, stderr } = await node.machine.try([ferryPath, "migrate", ...words]);
  assert.equal(code, 0, stderr + stdout);
  const { runtime, proofs } = parseVerification(stdout);
  assert.match(runtime, /^ferry:/);
  assert.deepEqual(
    proofs.map(({ name, outcome }) => `${outcome} ${name}`),
    [
      "passed node ready",
      ...[`passed pull ${node.images.host}`, `passed pull ${registry.host} with regcred`].sort(),
      "passed pull sandbox image",
      "passed exec",
      "passed port-forward",
      "passed logs",
      "passed port below 1024 without root",
      "passed runtime class nvidia",
      "passed gpu",
    ],
  );
  // Anew, though the image was there.
  assert.ok(pulls() > earlier, `${earlier} manifests asked for before, ${pulls()} after`);
  assert.match(await node.machine.read(gpuRuntimeLog), /\/run\/ferry\/.* gpu/);
  assert.deepEqual(rights.unused, []);
  // A login that is refused is told of, at once, with what to do.
  putLogin(node, registry, "wrong");
  const refused = await node.machine.try([ferryPath, "migrate", ...words]);
  assert.equal(refused.code, 1, refused.stderr + refused.stdout);
  const failed = parseVerification(refused.stdout).proofs.filter(({ outcome }) => outcome === "failed");
  assert.deepEqual(
    failed.map(({ name }) => name),
    [`pull ${registry.host} with regcred`],
  );
  assert.match(failed[0]?.next ?? "", /imagePullSecrets/, refused.stdout);
  // Nothing of it is left, in the cluster and on the node.
  await node.settled("ferry://", ["net-1", "private-1", "static-worker-1", "web-1"]);
});

const auth = { t: "basic", username: "mover", password: "s3cret" } as const;

/** A pod whose image only a login can pull, by its Secret; it runs. */
async function putPrivatePod(node: KubernetesNode, registry: TestRegistry): Promise<void> {
  const { username, password } = auth;
  const image = `${registry.host}/private:1`;
  const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const creds = ["--dest-creds", `${username}:${password}`];
  await command(["skopeo", "copy", "-q", ...tls, ...creds, `docker://${node.images.small}`, `docker://${image}`]);
  putLogin(node, registry, password);
  const pod = testPod({ name: "private-1", owner: "ReplicaSet", nodeName: node.name, image });
  const spec = { ...asObject(pod["spec"]), imagePullSecrets: [{ name: "regcred" }] };
  node.api.store.put("pods", { ...pod, spec });
  await node.settled("ferry://", ["net-1", "private-1", "static-worker-1", "web-1"]);
}

function putLogin({ api }: KubernetesNode, registry: TestRegistry, password: string): void {
  const login = Buffer.from(`${auth.username}:${password}`).toString("base64");
  const config = JSON.stringify({ auths: { [registry.host]: { auth: login } } });
  const place = { apiVersion: "v1", metadata: { namespace: "default", name: "regcred" } };
  const data = { ".dockerconfigjson": Buffer.from(config).toString("base64") };
  api.store.put("secrets", { ...place, kind: "Secret", type: "kubernetes.io/dockerconfigjson", data });
}
