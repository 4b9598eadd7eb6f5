import assert from "node:assert/strict";
import test from "node:test";
import { formatPlan, parsePlan } from "./parse-plan.ts";
import type { Plan, Step } from "./step.ts";

const words = { title: "t", why: "w" };
const steps: Step[] = [
  {
    id: "01-preflight",
    ...words,
    kind: "preflight",
    require: [
      { t: "root" },
      { t: "command", name: "systemctl" },
      { t: "free-space", path: "/var/lib", bytes: 1, inodes: 2 },
      { t: "api", node: "n" },
      { t: "unchanged", path: "/etc/a", sha256: "0".repeat(64) },
      { t: "unchanged", path: "/etc/b", sha256: null },
    ],
  },
  { id: "02", ...words, kind: "snapshot", paths: ["/etc/a"], units: ["docker.service"] },
  { id: "03", ...words, kind: "carry-images", dataRoot: "/var/lib/docker", driver: "overlay2", to: "ferry" },
  { id: "04", ...words, kind: "install-packages", manager: "apt", packages: ["conmon"] },
  {
    id: "05",
    ...words,
    kind: "write-files",
    files: [
      { path: "/etc/a", content: "x\n", expectSha256: "0".repeat(64), why: "y" },
      { path: "/etc/b", content: null, mode: 0o600, expectSha256: null, why: "z" },
    ],
  },
  { id: "06", ...words, kind: "load-modules", modules: ["overlay"] },
  { id: "07", ...words, kind: "set-sysctls", values: { "net.ipv4.ip_forward": "1" } },
  { id: "08", ...words, kind: "cordon", node: "n" },
  {
    id: "09",
    ...words,
    kind: "drain",
    node: "n",
    drain: { gracePeriodSeconds: null, timeoutMs: 1, deleteEmptyDirData: true, force: false },
  },
  {
    id: "10",
    ...words,
    kind: "set-units",
    units: [
      { name: "docker.socket", active: false, enabled: false },
      { name: "containerd.service", active: true, restart: true },
    ],
  },
  {
    id: "11",
    ...words,
    kind: "remove-pods",
    through: "docker",
    endpoint: "unix:///var/run/docker.sock",
    cni: { config: "/etc/cni/net.d", plugins: ["/opt/cni/bin"], cache: "/var/lib/cni/cache" },
  },
  { id: "11b", ...words, kind: "remove-pods", through: "cri", endpoint: "unix:///run/cri-dockerd.sock" },
  { id: "12", ...words, kind: "wait-for-runtime", endpoint: "unix:///x", timeoutMs: 1 },
  { id: "13", ...words, kind: "annotate-node", node: "n", key: "k", value: null },
  { id: "14", ...words, kind: "wait-for-node", node: "n", runtimePrefix: "ferry://", timeoutMs: 1 },
  { id: "15", ...words, kind: "smoke-pod", node: "n", image: "i", timeoutMs: 1 },
  { id: "16", ...words, kind: "uncordon", node: "n" },
  {
    id: "17",
    ...words,
    kind: "sweep-residue",
    items: [
      { t: "link", name: "docker0" },
      { t: "chain", table: "nat", name: "DOCKER" },
      { t: "path", path: "/var/lib/dockershim" },
    ],
  },
  { id: "19", ...words, kind: "share-images", endpoint: "unix:///run/containerd/containerd.sock", from: "moby" },
  { id: "18", ...words, kind: "purge", manager: "none", packages: [], paths: ["/etc/docker"] },
];
const plan: Plan = {
  version: 1,
  node: "n",
  target: "ferry",
  madeAt: "2026-01-01T00:00:00Z",
  from: { kubelet: "1.23.17", runtime: "docker", layout: "kubeadm" },
  steps,
  notes: ["one"],
};

test("a plan of every kind of step is the same after writing and reading", () => {
  assert.deepEqual(parsePlan(formatPlan(plan)), plan);
});

test("what is no plan of ours is refused, with the place", () => {
  const refused = (change: (json: Record<string, unknown>) => void, why: RegExp) => {
    const json = JSON.parse(formatPlan(plan)) as Record<string, unknown>;
    change(json);
    assert.throws(() => parsePlan(JSON.stringify(json)), why);
  };
  assert.throws(() => parsePlan("{"), /plan: not JSON/);
  refused((json) => (json["version"] = 2), /version 2, this ferry knows version 1/);
  refused((json) => delete json["version"], /version/);
  refused((json) => (json["target"] = "podman"), /target: is not one of ferry, containerd, cri-dockerd/);
  const step = (action: object) => (json: Record<string, unknown>) =>
    (json["steps"] = [{ id: "01", ...words, ...action }]);
  refused(step({ kind: "explode" }), /steps\[0\]: kind: is not one of/);
  refused(step({ kind: "cordon" }), /steps\[0\]: node: missing/);
  refused(step({ kind: "snapshot", paths: ["/etc/../shadow"], units: [] }), /not a plain absolute path/);
  refused(step({ kind: "set-units", units: [{ name: "a b", active: true }] }), /is no unit/);
  refused(step({ kind: "uncordon", node: "n", id: "../x" }), /is not an id/);
  refused((json) => (json["steps"] = [steps[15], steps[15]]), /two steps of one id/);
});
