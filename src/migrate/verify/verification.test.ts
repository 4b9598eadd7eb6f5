import assert from "node:assert/strict";
import test from "node:test";
import { compareVerifications, parseVerification, type Proof, type Verification } from "./verification.ts";

const verification = (runtime: string, proofs: Record<string, Proof["outcome"]>): Verification => ({
  version: 1,
  node: "n1",
  at: "2026-01-01T00:00:00Z",
  runtime,
  proofs: Object.entries(proofs).map(([name, outcome]) => ({ name, outcome, detail: runtime })),
});

test("what worked before and does not after is lost; what is new or never worked is not", () => {
  const before = verification("docker://20.10", { exec: "passed", logs: "passed", gpu: "skipped", "pull a": "failed" });
  const after = verification("containerd://1.7", {
    exec: "passed",
    logs: "failed",
    gpu: "skipped",
    "pull b": "passed",
  });
  const rows = compareVerifications(before, after).map(({ name, before, after, isLost }) => [
    name,
    before,
    after,
    isLost,
  ]);
  assert.deepEqual(rows, [
    ["exec", "passed", "passed", false],
    ["logs", "passed", "failed", true],
    ["gpu", "skipped", "skipped", false],
    ["pull b", "absent", "passed", false],
    ["pull a", "failed", "absent", false],
  ]);
});

test("a kept verification is read as it was written, another version is refused", () => {
  const kept = verification("ferry://0.1.0", { exec: "passed" });
  assert.deepEqual(parseVerification(JSON.stringify(kept)), kept);
  assert.throws(() => parseVerification('{"version":2}'), /another version/);
});
