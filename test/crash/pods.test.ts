import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { eventuallyEqual, settled } from "#test/support/eventually.ts";
import { openCriClient } from "#test/support/cri-client.ts";
import { podNetwork } from "#test/support/pod-network.ts";
import { command } from "#test/support/processes.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { CrashBed } from "./crash-bed.ts";
import { podKillPoints, podOperations, type Pod } from "./pod-operations.ts";
import { readPodState } from "./pod-state.ts";
import { writeSlowPlugin } from "./slow-plugin.ts";

/** Another run at the same time has another. */
const bridge = `frcrash${process.pid % 1_000_000}`;
const subnet = `10.230.${process.pid % 256}.0/24`;

type Step = keyof typeof podOperations;

const life: readonly Step[] = [
  "runPodSandbox",
  "createContainer",
  "startContainer",
  "stopContainer",
  "stopPodSandbox",
  "removePodSandbox",
];
const lifeOfAbsentImage: readonly Step[] = ["pullImage", ...life, "removeImage"];

test("kill -9 at every step of a pod's life, and the kubelet's retry ends as if nothing had been", async (t) => {
  if (!requireRoot(t)) return;
  await using undo = new AsyncDisposableStack();
  const images = undo.use(await openTestImages());
  const directory = await mkdtemp("/var/tmp/ferry-pods-");
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const leases = join(directory, "leases");
  const slowPlugin = await writeSlowPlugin(directory);
  const network = podNetwork({ bridge, subnet, dataDir: leases });
  const plugins = [...network.plugins, { type: slowPlugin.type }];
  await writeFile(join(directory, "10-pods.conflist"), JSON.stringify({ ...network, plugins }));
  const more = `[cri]\ncni_conf_dir = "${directory}"\n[network]\nplugin_directories = ["${directory}", "/usr/lib/cni"]`;
  const bed = undo.use(await CrashBed.create({ first: images.small, second: images.layered }, more));
  undo.defer(async () => void (await command(["ip", "link", "delete", bridge]).catch(() => {})));
  await bed.start();
  await withPod(bed, async (pod) => {
    await pod.client.images.pullImage({ image: { image: bed.image } });
    // Twice, since what is made once (a bridge, a chain) is in the baseline.
    for (const step of [...life, ...lifeOfAbsentImage]) await podOperations[step](pod);
  });
  const { root, state, cgroupParent } = bed;
  const readState = async () => await readPodState({ root, state, cgroupParent, leases, bridge });
  const baseline = await settled(readState);
  const survives = async (steps: readonly Step[], during: Step, crash: (run: () => Promise<void>) => Promise<void>) => {
    await using clean = new AsyncDisposableStack();
    // One that fails must not fail the next ones.
    clean.defer(() => startClean(bed));
    const at = steps.indexOf(during);
    const known = await withPod(bed, async (pod) => {
      for (const step of steps.slice(0, at)) await podOperations[step](pod);
      await crash(async () => await podOperations[during](pod).catch(() => {}));
      return pod;
    });
    await bed.start();
    await withPod(bed, async (pod) => {
      Object.assign(pod, { ...known, client: pod.client });
      for (const step of steps.slice(at)) await podOperations[step](pod);
    });
    // Content is collected a moment after its image is removed.
    await eventuallyEqual(readState, baseline);
    clean.move();
  };

  for (const point of podKillPoints) {
    const { during, when, at, nth } = point;
    await t.test(`${during}: ${when} ${at}${nth === undefined ? "" : ` (${nth})`}`, async () => {
      const steps = during === "pullImage" ? lifeOfAbsentImage : life;
      await survives(steps, during, async (run) => {
        await bed.arm(point);
        await run();
        await bed.died();
      });
    });
  }
  for (const during of ["runPodSandbox", "stopPodSandbox"] as const)
    await t.test(`${during}: in the middle of the network's plugins`, async () => {
      await survives(life, during, async (run) => {
        await slowPlugin.arm();
        const running = run();
        await slowPlugin.reached();
        await bed.kill();
        await running;
      });
    });
});

async function withPod<T>(bed: CrashBed, work: (pod: Pod) => Promise<T>): Promise<T> {
  const client = openCriClient(join(bed.state, "ferry.sock"), "v1");
  try {
    const { image, secondImage: absentImage } = bed;
    return await work({ client, image, absentImage, podSandboxId: "", containerId: "" });
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
    await client.images.removeImage({ image: { image: bed.secondImage } });
  });
}
