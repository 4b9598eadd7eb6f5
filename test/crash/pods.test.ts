import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { command } from "#test/support/processes.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { podNetwork } from "../component/cri-bed.ts";
import { openCriClient } from "#test/support/cri-client.ts";
import { CrashBed } from "./crash-bed.ts";
import { podKillPoints, podOperations, type Pod } from "./pod-operations.ts";
import { readSystemState } from "./system-state.ts";

const bridge = "frcrash0";
const order = ["runPodSandbox", "createContainer", "startContainer", "stopContainer", "stopPodSandbox"] as const;

test("kill -9 at every step of a pod's life, and the kubelet's retry ends as if nothing had been", async (t) => {
  if (!requireRoot(t)) return;
  await using undo = new AsyncDisposableStack();
  const images = undo.use(await openTestImages());
  const directory = await mkdtemp("/var/tmp/ferry-pods-");
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const leases = join(directory, "leases");
  const network = podNetwork({ bridge, subnet: "10.231.78.0/24", dataDir: leases });
  await writeFile(join(directory, "10-pods.conflist"), JSON.stringify(network));
  const more = `[cri]\ncni_conf_dir = "${directory}"`;
  const bed = undo.use(await CrashBed.create({ first: images.small, second: images.small }, more));
  undo.defer(async () => void (await command(["ip", "link", "delete", bridge]).catch(() => {})));
  await bed.start();
  await withPod(bed, async (pod) => {
    await pod.client.images.pullImage({ image: { image: bed.image } });
    for (const step of Object.values(podOperations)) await step(pod);
  });
  const baseline = await settled(bed, leases);
  for (const point of podKillPoints) {
    const title = `${point.during}: ${point.when} ${point.at}`;
    await t.test(title, async () => {
      await using clean = new AsyncDisposableStack();
      // One that fails must not fail the next ones.
      clean.defer(() => startClean(bed));
      const known = { podSandboxId: "", containerId: "" };
      await withPod(bed, async (pod) => {
        Object.assign(pod, known);
        for (const step of before(point.during)) await podOperations[step](pod);
        await bed.arm(point);
        await podOperations[point.during](pod).catch(() => {});
        await bed.died(5_000);
        Object.assign(known, { podSandboxId: pod.podSandboxId, containerId: pod.containerId });
      });
      await bed.start();
      await withPod(bed, async (pod) => {
        Object.assign(pod, known);
        for (const step of from(point.during)) await podOperations[step](pod);
      });
      assert.deepEqual(await settled(bed, leases), baseline);
      clean.move();
    });
  }
});

function before(during: keyof typeof podOperations) {
  return during === "removePodSandbox" ? order : order.slice(0, order.indexOf(during));
}

function from(during: keyof typeof podOperations) {
  const rest = during === "removePodSandbox" ? [] : order.slice(order.indexOf(during));
  return [...rest, "removePodSandbox"] as const;
}

async function withPod(bed: CrashBed, work: (pod: Pod) => Promise<void>): Promise<void> {
  const client = openCriClient(join(bed.state, "ferry.sock"), "v1");
  try {
    await work({ client, image: bed.image, podSandboxId: "", containerId: "" });
  } finally {
    client.session.abort();
  }
}

async function startClean(bed: CrashBed): Promise<void> {
  await bed.kill();
  await bed.start();
  await withPod(bed, async ({ client }) => {
    const { items } = await client.runtime.listPodSandbox({});
    for (const { id } of items) await client.runtime.removePodSandbox({ podSandboxId: id });
  });
}

/** What is on the machine, once removals in the background are through. */
async function settled(bed: CrashBed, leases: string) {
  let last = "";
  for (let tries = 0; ; tries++) {
    const now = { ...(await readSystemState(bed)), ...(await readPods(bed, leases)) };
    const text = JSON.stringify(now);
    if (text === last || tries > 40) return now;
    last = text;
    await sleep(100);
  }
}

async function readPods(bed: CrashBed, leases: string) {
  const names = async (path: string) => await readdir(path).catch(() => []);
  const veths = (await command(["ip", "-o", "link", "show", "master", bridge]).catch(() => "")).split("\n");
  return {
    podNamespaces: await names(join(bed.state, "pods")),
    podResults: await names(join(bed.state, "pod-network")),
    sandboxes: await names(join(bed.state, "sandboxes")),
    sandboxFiles: await names(join(bed.root, "sandboxes", "k8s.io")),
    podAddresses: (await names(join(leases, "frcritest"))).filter((name) => /^\d/.test(name)),
    veths: veths.filter((line) => line !== "").length,
  };
}
