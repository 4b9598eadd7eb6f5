import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { clusterRunRbac } from "#migrate/cluster-run/rbac.ts";
import { parseRunState } from "#migrate/cluster-run/run-state.ts";
import { formatClusterPlan, type ClusterPlan } from "#migrate/plan/cluster/cluster-plan.ts";
import { fails } from "../support/fails.ts";
import { makeCa } from "../support/certificates.ts";
import { runToEnd } from "../support/ferry-bed.ts";
import { TestApiServer } from "../support/kubernetes/api-server.ts";
import { Rights } from "../support/kubernetes/authorization.ts";
import { asObject } from "../support/kubernetes/delete-object.ts";
import { MovingNodes } from "../support/kubernetes/moving-nodes.ts";
import { serveWrites } from "../support/kubernetes/writes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const exitStopped = 2;
const exitDriven = 3;

test("a canary, then a batch at once: Jobs hand over, gates hold, nothing of the Jobs is left", async () => {
  await using bed = await openBed();
  const { code, stdout, stderr } = await bed.run(bed.plan, "--drain-timeout", "3m", "--node-kubeconfig", "/etc/k");
  assert.equal(code, 0, stderr + stdout);
  assert.deepEqual(bed.summary(), { phase: "done", nodes: { a: "passed 1", b: "passed 1", c: "passed 1" }, jobs: 0 });
  assert.deepEqual([bed.nodes.started[0], bed.nodes.started.slice(1).sort()], ["a 1", ["b 1", "c 1"]]);
  assert.deepEqual((await bed.nodes.unitOf("b")).slice(-4), [
    "--target",
    "containerd",
    "--drain-timeout=3m",
    "--kubeconfig=/etc/k",
  ]);
  const events = stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  const canary = events.flatMap((event) => {
    const { node, progress } = asObject(event);
    return node === "a" ? [asObject(progress)["t"]] : [];
  });
  // A busy machine may see two changes of a node as one.
  const seen = new Set(canary);
  const order = ["starting", "moving", "settling", "soaking", "passed"];
  assert.deepEqual(
    [...seen],
    order.filter((step) => seen.has(step)),
  );
  assert.ok(seen.has("starting") && seen.has("passed"));
});

test("a failure in the canary stops; the next call goes on with another try", async () => {
  await using bed = await openBed();
  bed.nodes.failing.add("a");
  const first = await bed.run(bed.plan, "--format", "text");
  assert.equal(first.code, exitStopped, first.stderr);
  assert.match(first.stdout, /a {2}failed at 05-drain: budget web allows none\n {2}on a: ferry migrate status/);
  assert.deepEqual(bed.nodes.started, ["a 1"]);
  assert.equal(bed.summary().phase, "stopped");
  const second = await bed.run();
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(bed.summary(), { phase: "done", nodes: { a: "passed 2", b: "passed 1", c: "passed 1" }, jobs: 0 });
});

test("of a batch with a failure the others finish", async () => {
  await using bed = await openBed();
  bed.nodes.failing.add("b");
  assert.equal((await bed.run(bed.plan)).code, exitStopped);
  const { nodes } = bed.summary();
  assert.equal(nodes["b"], "failed 1");
  assert.match(nodes["c"] ?? "", /^(soaking|passed) 1$/);
});

test("a controller killed after any change leaves a run that another one ends the same way", async () => {
  // The first run of all, undisturbed, says how many there are.
  const changes = await killedAfter(Infinity);
  assert.ok(changes > 15, `${changes} changes`);
  const isWhole = process.env["FERRY_TEST_LONG"] === "1";
  const points = Array.from({ length: changes - 1 }, (_, at) => at + 1).filter((at) => isWhole || at % 4 === 1);
  const lanes = [0, 1].map(async (lane) => {
    for (const at of points.filter((_, index) => index % 2 === lane)) await killedAfter(at);
  });
  await Promise.all(lanes);
});

test("a dry run shows order and Jobs, changes nothing, and never goes on with a run instead", async () => {
  await using bed = await openBed();
  const { code, stdout } = await bed.run("--dry-run", bed.plan);
  assert.equal(code, 0);
  assert.match(stdout, /01 {2}canary a[^]*"nodeName": "c"/);
  const { code: without, stderr } = await bed.run("--dry-run");
  assert.equal(without, 1);
  assert.match(stderr, /--dry-run shows a PLAN/);
  assert.deepEqual(bed.api.requests, []);
});

test("with the printed rights it works, without any one of them it is refused", async () => {
  await using bed = await openBed();
  const rbac = clusterRunRbac("kube-system");
  const rights = new Rights(rbac, "ferry-migrate");
  bed.api.accounts.set("driver", rights);
  assert.equal((await bed.runAs("driver", bed.plan)).code, 0);
  assert.deepEqual(rights.unused, []);
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "kube-system", name: "aws-auth" } };
  bed.api.store.put("configmaps", map);
  const config = await bed.api.writeKubeconfig(join(bed.directory, "driver"), "driver");
  using driver = new KubernetesClient(await loadConnection({ kubeconfig: config, env: {} }));
  const call = { signal: new AbortController().signal };
  const others = driver.replace(call, "/api/v1/namespaces/kube-system/configmaps/aws-auth", map);
  await fails("permissionDenied", others, /cannot update resource "configmaps"/);
  bed.api.accounts.set("mover", new Rights(rbac, "ferry-migrate-node"));
  const moverConfig = await bed.api.writeKubeconfig(join(bed.directory, "mover"), "mover");
  using mover = new KubernetesClient(await loadConnection({ kubeconfig: moverConfig, env: {} }));
  const elsewhere = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";
  await fails("permissionDenied", mover.get(call, elsewhere), /cannot get resource "leases"/);
  await fails("permissionDenied", mover.delete(call, "/api/v1/namespaces/a/pods/b", {}), /cannot delete .*"pods"/);
  const without = rbac.replaceAll('resources: ["leases"]', "resources: []");
  bed.api.accounts.set("other", new Rights(without, "ferry-migrate"));
  const { code, stderr } = await bed.runAs("other", bed.plan);
  assert.equal(code, 1);
  assert.match(stderr, /leases is forbidden: User "ferry-migrate" cannot get resource "leases"/);
});

test("workers together, then control plane nodes one at a time; a terminal shows how many are through", async () => {
  const batch = { title: "", why: "", soakMs: 50 };
  const masters = ["cp-1", "cp-2", "cp-3"];
  const batches = [
    { ...batch, id: "01-workers", nodes: ["a", "b", "c"] },
    ...masters.map((name, at) => ({ ...batch, id: `0${at + 2}-${name}`, nodes: [name] })),
  ];
  await using bed = await openBed({ ...clusterPlan, batches });
  for (const name of masters) await bed.nodes.add(name);
  const { code, stdout } = await bed.onTerminal(bed.plan);
  assert.equal(code, 0, stdout);
  assert.deepEqual(bed.nodes.started.slice(3), ["cp-1 1", "cp-2 1", "cp-3 1"]);
  assert.deepEqual(bed.nodes.awayWith("cp-2"), []);
  // A line that is drawn again and again, and those that stay.
  assert.match(stdout, /\r[^\n]*3 of 6 nodes/);
  assert.match(stdout, /batch 03-cp-2: cp-2\r?\n[^]*cp-2 {2}has passed/);
});

test("a node that went back after it had passed is named, and moved by a plan of its own", async () => {
  await using bed = await openBed();
  assert.equal((await bed.run(bed.plan)).code, 0);
  bed.nodes.rollBack("b");
  const { code, stdout, stderr } = await bed.run("--format", "text");
  assert.equal(code, exitStopped);
  assert.match(stdout, /^every node of the plan is moved\nb {2}runs docker:\/\/20\.10\.24 again: .*went back\n$/);
  assert.match(stderr, /ferry migrate plan --nodes b --target containerd/);
  const batch = { id: "01-b", title: "b", why: "", nodes: ["b"], soakMs: 50 };
  await bed.writePlan({ ...clusterPlan, batches: [batch] });
  assert.equal((await bed.run(bed.plan)).code, 0);
  assert.deepEqual(bed.nodes.started.at(-1), "b 1");
});

test("an interrupted controller says how to go on, and gives its lease back", async () => {
  await using bed = await openBed();
  const { promise, resolve: release } = Promise.withResolvers<void>();
  bed.nodes.hold = promise;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const first = spawn(ferry, bed.argv([bed.plan]), { stdio: ["ignore", "pipe", "pipe"] });
    const stderr = text(first.stderr);
    await once(first.stdout, "data");
    first.kill(signal);
    assert.match(
      await stderr,
      /interrupted; nodes that move go on; .*: ferry migrate cluster --kubeconfig .* --image busybox/,
    );
  }
  release();
  const { code, stderr } = await bed.run();
  assert.equal(code, 0, stderr);
});

test("no API server there, or one that does not know us: what to do", async () => {
  await using bed = await openBed();
  const stranger = await bed.runAs("stranger", bed.plan);
  assert.match(stranger.stderr, /Unauthorized\n {2}.*--kubeconfig FILE/);
  await bed.api.goAway();
  const { code, stderr } = await bed.run(bed.plan);
  await bed.api.comeBack();
  assert.equal(code, 1);
  assert.match(stderr, /api server https:.*\n {2}.*--kubeconfig FILE/);
});

test("two controllers exclude each other", async () => {
  await using bed = await openBed();
  const { promise, resolve: release } = Promise.withResolvers<void>();
  bed.nodes.hold = promise;
  const first = bed.start(bed.plan);
  await bed.changed(3);
  const second = await bed.run(bed.plan);
  release();
  assert.equal(second.code, exitDriven, second.stderr);
  assert.match(second.stderr, /drives it; its lease ends/);
  assert.deepEqual(await once(first, "close"), [0, null]);
  assert.equal(bed.summary().phase, "done");
});

test("another plan does not take the place of a run that is under way", async () => {
  await using bed = await openBed();
  const first = bed.start(bed.plan);
  await bed.changed(3);
  first.kill("SIGKILL");
  await once(first, "close");
  bed.expireLease();
  const { code, stderr } = await bed.run(bed.plan, "--force");
  assert.equal(code, 1);
  assert.match(stderr, /a run by another plan or with other flags is under way/);
});

/** Runs once, killed after change number `at` of what the controller writes, and then to its end. Answers the number of changes. */
async function killedAfter(at: number): Promise<number> {
  await using bed = await openBed();
  const first = bed.start(bed.plan);
  const closed = once(first, "close");
  void bed.changed(at).then(() => first.kill("SIGKILL"));
  const [code] = (await closed) as [number | null];
  // A busy machine may see two changes of a node as one: a run that had fewer is not killed, or not before its end.
  if (code === null) {
    bed.expireLease();
    // Killed before there was a record: the second begins anew. It is another machine: it has the kubeconfig alone.
    const { code: second, stderr } = await bed.runElsewhere(...(bed.hasRecord() ? [] : [bed.plan]));
    assert.equal(second, 0, `resumed after change ${at}: ${stderr}`);
  } else assert.equal(code, 0);
  const expected = { phase: "done", nodes: { a: "passed 1", b: "passed 1", c: "passed 1" }, jobs: 0 };
  assert.deepEqual(bed.summary(), expected, `killed after change ${at}`);
  assert.deepEqual(bed.nodes.started.toSorted(), ["a 1", "b 1", "c 1"], `killed after change ${at}`);
  return bed.changes;
}

const record = { apiVersion: "v1", resource: "configmaps", namespace: "kube-system", name: "ferry-migrate" };
const leasePlace = { apiVersion: "coordination.k8s.io/v1", resource: "leases", namespace: "kube-system" };

async function openBed(planned = clusterPlan) {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryDirectory("fleet"));
  const ca = await makeCa(path);
  const { cert, key } = await ca.issue("apiserver");
  const api = undo.use(await TestApiServer.start({ tls: { cert, key, ca: ca.ca.cert }, token: "admin" }));
  serveWrites(api);
  const kubeconfig = await api.writeKubeconfig(join(path, "kubeconfig"));
  const client = undo.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  const nodes = undo.use(new MovingNodes(api, path, client));
  for (const name of ["a", "b", "c"]) await nodes.add(name);
  const plan = join(path, "order.json");
  const writePlan = async (other: ClusterPlan) => await writeFile(plan, formatClusterPlan(other));
  await writePlan(planned);
  let changes = 0;
  const waiting = new Map<number, () => void>();
  api.store.listeners.add(({ resource }) => {
    if (resource === "configmaps" || resource === "jobs") waiting.get(++changes)?.();
  });
  const argv = (words: readonly string[], config = kubeconfig) => {
    const fixed = ["--kubeconfig", config, "--image", "busybox", "--interval", "40ms", "--format", "json"];
    return ["migrate", "cluster", ...fixed, ...words];
  };
  const owned = undo.move();
  return {
    api,
    argv,
    directory: path,
    nodes,
    plan,
    writePlan,
    get changes() {
      return changes;
    },
    run: async (...words: string[]) => await runToEnd([ferry, ...argv(words)]),
    runAs: async (token: string, ...words: string[]) => {
      const config = await api.writeKubeconfig(join(path, `kubeconfig-${token}`), token);
      return await runToEnd([ferry, ...argv(words, config)]);
    },
    /** With nothing of what an earlier run may have left beside the cluster. */
    runElsewhere: async (...words: string[]) => {
      await using other = await temporaryDirectory("elsewhere");
      const config = await api.writeKubeconfig(join(other.path, "kubeconfig"));
      return await runToEnd([ferry, ...argv(words, config)], { cwd: other.path, env: { HOME: other.path } });
    },
    onTerminal: async (...words: string[]) => {
      const line = [ferry, ...argv([...words, "--format", "text"])].map((word) => `'${word}'`).join(" ");
      return await runToEnd(["script", "--quiet", "--return", "--command", line, "/dev/null"]);
    },
    start: (...words: string[]): ChildProcess => spawn(ferry, argv(words), { stdio: "ignore" }),
    /** Resolves in the moment in which the controller's change number `count` is stored. */
    changed: async (count: number) => await new Promise<void>((resolve) => waiting.set(count, resolve)),
    hasRecord: () => api.store.find(record) !== undefined,
    /** As if its holder had been silent for a minute. */
    expireLease: () => {
      const lease = api.store.find({ ...leasePlace, name: "ferry-migrate" });
      if (lease === undefined) return;
      const renewTime = new Date(Date.now() - 60_000).toISOString();
      api.store.put("leases", { ...lease, spec: { ...asObject(lease["spec"]), renewTime } });
    },
    summary: () => {
      const data = asObject(api.store.find(record)?.["data"]);
      const state = parseRunState(String(data["state"]));
      const progress = Object.entries(state.nodes).map(([name, { t, attempt }]) => [name, `${t} ${attempt}`] as const);
      const jobs = api.store.all({ apiVersion: "batch/v1", resource: "jobs" }).length;
      return { phase: state.phase, nodes: Object.fromEntries(progress) as Record<string, string>, jobs };
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

const clusterPlan: ClusterPlan = {
  version: 1,
  kind: "cluster",
  target: "containerd",
  cluster: "test",
  madeAt: "2026-01-01T00:00:00Z",
  batches: [
    { id: "01-canary", title: "canary a", why: "alone", nodes: ["a"], soakMs: 100 },
    { id: "02-nodes-1", title: "2 workers", why: "two", nodes: ["b", "c"], soakMs: 100 },
  ],
  skipped: [],
  managed: [],
  notes: [],
};
