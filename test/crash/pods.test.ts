import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { openCriClient } from "#test/support/cri-client.ts";
import { podNetwork } from "#test/support/pod-network.ts";
import { command } from "#test/support/processes.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { CrashBed } from "./crash-bed.ts";
import { podKillPoints, podOperations, type Pod } from "./pod-operations.ts";
import { settledPodState } from "./pod-state.ts";

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
  const { root, state, cgroupParent } = bed;
  const settled = async () => await settledPodState({ root, state, cgroupParent, leases, bridge });
  const baseline = await settled();
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
      assert.deepEqual(await settled(), baseline);
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
