import assert from "node:assert/strict";
import test from "node:test";
import { JsonReader } from "#base/json-reader.ts";
import { nextStep } from "./next-step.ts";
import { findSandboxImage } from "./sandbox-image.ts";

const said: readonly (readonly [text: string, next: RegExp | undefined])[] = [
  [
    'ErrImagePull: failed to resolve reference "r/x:1": pull access denied, repository does not exist or may require authorization',
    /imagePullSecrets/,
  ],
  [
    "ErrImagePull: unexpected status from HEAD request to https://r/v2/x/manifests/1: 401 Unauthorized",
    /imagePullSecrets/,
  ],
  [
    "Head https://r:5000/v2/x/manifests/1: http: server gave HTTP response to HTTPS client",
    /ferry migrate convert --image/,
  ],
  ["tls: failed to verify certificate: x509: certificate signed by unknown authority", /certs\.d/],
  ['failed to get sandbox image "registry.k8s.io/pause:3.6": failed to pull image', /sandbox_image/],
  ["dial tcp: lookup registry.example.com: no such host", /proxy/],
  ['RunPodSandbox failed: no runtime for "nvidia" is configured', /no such handler/],
  ["Failed: OutOfnvidia.com/gpu: Node didn't have enough resource", /every GPU/],
  ['pods is forbidden: User "x" cannot create resource "pods" in API group "" in the namespace "kube-system"', /right/],
  ["container runs and says nothing", undefined],
];

test("what is said of a failure decides what to do next", () => {
  for (const [text, next] of said) {
    if (next === undefined) assert.equal(nextStep(text), undefined, text);
    else assert.match(nextStep(text) ?? "", next, text);
  }
});

test("the sandbox image is found among a node's images by its name", () => {
  const find = (...names: string[]) =>
    findSandboxImage(new JsonReader({ status: { images: [{ names: ["a.b/paused:1"] }, { names }] } }, "node"));
  const digest = `registry.k8s.io/pause@sha256:${"0".repeat(64)}`;
  assert.equal(find(digest, "registry.k8s.io/pause:3.9"), "registry.k8s.io/pause:3.9");
  const others = ["k8s.gcr.io/pause-amd64:3.1", "rancher/mirrored-pause:3.6", "r.io:5000/oss/kubernetes/pause:3.6"];
  assert.deepEqual(
    others.map((name) => find(name)),
    others,
  );
  assert.equal(find(digest, "team/pause-button/api:2"), undefined);
});
