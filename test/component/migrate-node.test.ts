import assert from "node:assert/strict";
import { access, readFile, writeFile } from "node:fs/promises";
import test from "node:test";
import { readState } from "#migrate/apply/migration-run.ts";
import { parsePlan } from "#migrate/plan/parse-plan.ts";
import type { Plan, Step } from "#migrate/plan/step.ts";
import { containerdVersion } from "../support/containerd.ts";
import { eventually, eventuallyPasses } from "../support/eventually.ts";
import { atRequest, planOutages } from "../support/kubernetes/outages.ts";
import { dockerLayers } from "../support/node/docker-layers.ts";
import { gpuRuntimeLog } from "../support/node/gpu-runtime.ts";
import type { Handler } from "../support/kubernetes/api-server.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import { nodeLayouts } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";

const ferryPath = new URL("../../bin/ferry", import.meta.url).pathname;
const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];

const nodeChange = atRequest("PATCH", /\/nodes\/[^/]+$/);
/** Of a move that has cordoned its node, in this order: drain, wait for Ready, annotate, smoke pod, uncordon. */
const outages = [
  atRequest("POST", /\/eviction$/),
  atRequest("GET", /\/leases\/[^/]+$/),
  nodeChange,
  atRequest("POST", /\/kube-system\/pods$/),
  nodeChange,
];

test("ferry migrate on a node: what fails is told and taken back, what works is proven", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
  const layout = nodeLayouts.find(({ version }) => version === "1.23.17");
  assert.ok(layout !== undefined);
  await using node = await KubernetesNode.open(layout);
  const path = node.machine.at("plan.json");
  const kubeconfig = ["--kubeconfig", "/etc/kubernetes/kubelet.conf"];
  const ferry = async (...words: string[]) => await node.machine.try([ferryPath, "migrate", ...words]);
  const plan = await makePlan(node, path);
  const before = { files: await node.listing(), units: await node.units(), node: node.marks };
  const isBack = async () => {
    assert.deepEqual({ files: await node.listing(), units: await node.units(), node: node.marks }, before);
    node.putPods();
    await node.settled("docker://");
  };

  await t.test("a dry run shows every command and diff, and touches nothing", async () => {
    const { code, stdout } = await ferry("apply", "--dry-run", path);
    assert.equal(code, 0);
    assert.match(stdout, /\$ systemctl disable --now docker.socket/);
    assert.match(stdout, /\+KUBELET_KUBEADM_ARGS=.*--container-runtime=remote/);
    await isBack();
  });

  await t.test("a drain that cannot finish names the pod and its budget", async () => {
    node.putBudget(0);
    await writePlan(path, plan, (step) =>
      step.kind === "drain" ? { ...step, drain: { ...step.drain, timeoutMs: 3_000 } } : step,
    );
    const { code, stderr } = await ferry("apply", path);
    assert.equal(code, 1);
    assert.match(stderr, /node worker-1: not drained within 3 s\n {2}pod default\/web-1: budget default\/web allows 0/);
    assert.match(stderr, /the node is back as it was/);
    await isBack();
  });

  await t.test("a runtime that does not start shows its journal, and the node goes back", async () => {
    await writePlan(path, plan, (step) => (step.kind === "write-files" ? brokenConfig(step) : step));
    const { code, stderr } = await ferry("apply", path);
    assert.equal(code, 1);
    assert.match(stderr, /unit containerd.service: did not start:[\s\S]*toml/i);
    assert.match(stderr, /the node is back as it was/);
    await isBack();
  });

  await t.test("told so, it leaves the node as it is then, until it is taken back", async () => {
    const { code, stderr } = await ferry("apply", "--no-rollback", path);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /unit containerd.service: did not start:[\s\S]*left as it is: apply resumes here, rollback goes/,
    );
    assert.match((await node.units()).join(), /docker.service inactive disabled/);
    const purge = await ferry("purge", "--force");
    assert.match(purge.stderr, /not applied to its end, nothing is purged/);
    assert.equal((await ferry("rollback")).code, 0);
    await isBack();
  });

  await t.test("an API server that is gone for good: the node itself goes back, the rest is told", async () => {
    const away = ["--api-timeout", "1s"];
    const layers = await dockerLayers(node.machine);
    const isItselfBack = async () => {
      assert.deepEqual({ files: await node.listing(), units: await node.units(), node: before.node }, before);
      assert.deepEqual(await dockerLayers(node.machine), layers);
    };
    await writePlan(path, plan, (step) => (step.kind === "wait-for-node" ? { ...step, timeoutMs: 1_000 } : step));
    const moving = ferry("apply", ...away, path);
    const [failed] = await Promise.all([moving, goAwayAfter(node, "drain")]);
    const why = /node worker-1: not Ready on containerd:\/\/ within 1 s: api server https:.*ECONNREFUSED/;
    assert.match(failed.stderr, why);
    await isItselfBack();
    const running = await mainPids(node);
    const again = await ferry("rollback", ...away);
    for (const { code, stderr } of [failed, again]) {
      assert.equal(code, 1);
      assert.match(stderr, /step \d+-cordon: not taken back: api server https:.*ECONNREFUSED.*--api-timeout/);
      assert.match(stderr, /the node itself is as it was: call rollback again once the API server answers/);
      assert.match(stderr, /^ {2}kubectl uncordon worker-1$/m);
    }
    await isItselfBack();
    await node.api.comeBack();
    const ended = await ferry("rollback");
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(await mainPids(node), running, "nothing that pods run on was started again");
    await isBack();
  });

  await t.test("a file that changed since the plan was made stops it before anything is touched", async () => {
    await writePlan(path, plan, (step) => step);
    const flags = "/var/lib/kubelet/kubeadm-flags.env";
    await node.machine.run("sh", "-c", `cp -a ${flags} /run/kept; echo '# edited' >> ${flags}`);
    const { code, stderr } = await ferry("apply", path);
    assert.equal(code, 1);
    assert.match(stderr, /kubeadm-flags.env has changed since the plan was made/);
    await node.machine.run("mv", "/run/kept", flags);
    await isBack();
  });

  await t.test("what the node could do before it can do after its move", async () => {
    const probe = ["verify", node.name, "--image", node.images.small, "--timeout", "240s", ...kubeconfig];
    const earlier = await ferry(...probe, "--out", "/run/before.json");
    assert.equal(earlier.code, 0, earlier.stderr + earlier.stdout);
    const refused = Promise.withResolvers<void>();
    const left = planOutages(node.api, [{ ...nodeChange, until: refused.promise }, ...outages]);
    const moving = ferry("apply", path);
    await eventuallyPasses(async () => {
      assert.equal(left.length, outages.length);
      await Promise.resolve();
    });
    const second = await ferry("rollback").finally(refused.resolve);
    assert.match(second.stderr, /migration in \/var\/lib\/ferry-migrate: another run has it, pid \d+/);
    const moved = await moving;
    assert.equal(moved.code, 0, moved.stderr);
    assert.deepEqual(left, [], "an API server that was away each time, and back again");
    assert.equal(node.runtimeVersion, `containerd://${await containerdVersion()}`);
    const doctor = await ferry("doctor");
    assert.equal(doctor.code, 0, doctor.stdout);
    const later = await ferry(...probe, "--before", "/run/before.json");
    assert.equal(later.code, 0, later.stderr + later.stdout);
    assert.match(later.stdout, /pull 198\.18\.[\d.:]+ +passed +passed/);
    for (const proof of ["pull sandbox image", "exec", "port-forward", "logs", "port below 1024 without root"])
      assert.match(later.stdout, new RegExp(`${proof} +passed +passed`));
    // By Docker's default runtime before, by a handler that a RuntimeClass names after.
    assert.match(
      later.stdout,
      /runtime class nvidia +absent +passed[^]*gpu +passed +passed +.* of runtime class nvidia/,
    );
    assert.match(await node.machine.read(gpuRuntimeLog), /io\.containerd\.runtime\.v2\.task\/k8s\.io\/\w+ gpu/);
    const again = await ferry("apply");
    assert.match(again.stdout, /is moved to containerd/);
  });

  await t.test("and it goes back", async () => {
    const left = planOutages(node.api, [nodeChange]);
    const { code, stderr } = await ferry("rollback");
    assert.equal(code, 0, stderr);
    assert.deepEqual(left, []);
    await isBack();
  });

  await t.test("purged, it has nothing of Docker's and works on; nothing goes back", async () => {
    // Packages are this machine's own.
    await writePlan(path, plan, (step) => (step.kind === "purge" ? { ...step, manager: "none", packages: [] } : step));
    assert.equal((await ferry("apply", path)).code, 0);
    await node.settled("containerd://", ["net-1", "static-worker-1"]);
    const { code, stderr } = await ferry("purge", "--force");
    assert.equal(code, 0, stderr);
    for (const gone of ["var/lib/docker", "etc/docker", "var/lib/ferry-migrate/undo"]) {
      await assert.rejects(access(node.machine.at(gone)), { code: "ENOENT" }, gone);
    }
    const back = await ferry("rollback");
    assert.equal(back.code, 1);
    assert.match(back.stderr, /migration in \/var\/lib\/ferry-migrate: purged: there is no way back/);
    await node.settled("containerd://", ["net-1", "static-worker-1"]);
  });
});

/** Lets the API server go away once a step of this name is done; the move does not come past its wait for the node before. */
async function goAwayAfter({ machine, api }: KubernetesNode, step: string): Promise<void> {
  // The journal of an earlier move lies there until this one begins.
  const start = new Date().toISOString();
  const done = eventually(`${step} is done`, async () => {
    const records = await readState(machine.at("var/lib/ferry-migrate"));
    return records.some((record) => record.t === "done" && record.step.endsWith(`-${step}`) && record.at > start);
  });
  const hold: Handler = async (request) => {
    if (!/\/leases\/[^/]+$/.test(request.path)) return false;
    await done;
    return true;
  };
  api.handlers.push(hold);
  await done;
  await api.goAway();
  api.handlers.splice(api.handlers.indexOf(hold), 1);
}

async function mainPids({ machine }: KubernetesNode): Promise<string[]> {
  const units = ["docker.service", "containerd.service", "kubelet.service"];
  return await Promise.all(units.map(async (unit) => await machine.run("systemctl", "show", "-p", "MainPID", unit)));
}

async function makePlan(node: KubernetesNode, path: string): Promise<Plan> {
  const options = ["--target", "containerd", "--smoke-image", node.images.small, "--out", path];
  await node.machine.run(ferryPath, "migrate", "plan", ...options);
  return parsePlan(await readFile(path, "utf8"));
}

async function writePlan(path: string, plan: Plan, change: (step: Step) => Step): Promise<void> {
  await writeFile(path, JSON.stringify({ ...plan, steps: plan.steps.map(change) }));
}

/** A configuration that containerd cannot read. */
function brokenConfig(step: Step & { kind: "write-files" }): Step {
  const files = step.files.map((file) =>
    file.path === "/etc/containerd/config.toml"
      ? Object.assign({ ...file }, { content: "version = 2\n[broken\n" })
      : file,
  );
  return { ...step, files };
}
