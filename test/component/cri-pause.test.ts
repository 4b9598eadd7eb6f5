import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before, suite } from "node:test";
import { parseNamespace } from "#core/call.ts";
import { pruneImages } from "#engine/prune-images.ts";
import { findPauseTask } from "#engine/sandbox-pause.ts";
import { PodSandboxState } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { command, findProcesses } from "#test/support/processes.ts";
import { findBinary } from "#test/support/require.ts";
import { openCriBed, type CriBed } from "./cri-bed.ts";
import { eventually } from "#test/support/eventually.ts";

const isRoot = process.getuid?.() === 0;
const pauseName = "pause:1";
const hasShim = findBinary("containerd-shim-runc-v2") !== undefined;
const handler = (name: string, type: string) =>
  `[runtimes.${name}]\nruntime_type = "${type}"\nsandbox_process = true\noptions = { BinaryName = "runc" }\n`;
const handlers = handler("machine", "conmon") + (hasShim ? handler("shim", "io.containerd.runc.v2") : "");

suite("the process that a pod stands on", { skip: isRoot ? false : "needs root" }, () => {
  let bed: CriBed;
  before(async () => {
    bed = await openCriBed({
      bridge: "frcripause0",
      subnet: "10.231.80.0/24",
      config: ({ host }) => `sandbox_image = ${JSON.stringify(`${host}/${pauseName}`)}\n${handlers}`,
    });
    await bed.v1.images.pullImage({ image: { image: bed.image } });
  });
  after(async () => await bed[Symbol.asyncDispose]());

  const pods = () => ({ ...bed.daemon.call, namespace: parseNamespace("k8s.io") });
  const runPod = async (name: string, pid: NamespaceMode, runtimeHandler = "") => {
    const metadata = { name, uid: `uid-${name}`, namespace: "default", attempt: 0 };
    const linux = { securityContext: { namespaceOptions: { pid } } };
    return await bed.v1.runtime.runPodSandbox({ config: { metadata, hostname: name, linux }, runtimeHandler });
  };
  /** Command line of the pod's process; undefined where it has none. */
  const pauseOf = async (podSandboxId: string) => {
    const { engine } = bed.daemon;
    const sandbox = await engine.sandboxes.get(pods(), podSandboxId);
    const task = await findPauseTask(pods(), engine, sandbox);
    return task && (await readFile(`/proc/${task.pid}/cmdline`, "utf8")).split("\0").slice(0, -1);
  };
  const runContainer = async (podSandboxId: string, name: string) => {
    const config = {
      metadata: { name, attempt: 0 },
      image: { image: bed.image },
      command: ["sleep", "1000"],
      linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
    };
    const { containerId } = await bed.v1.runtime.createContainer({ podSandboxId, config });
    await bed.v1.runtime.startContainer({ containerId });
    return containerId;
  };
  /** A runtime has not become the program yet when its start returns. */
  const runs = async (podSandboxId: string, words: string) =>
    await eventually(`pause: ${words}`, async () => (await pauseOf(podSandboxId))?.join(" ") === words);
  const activeSnapshots = async () => {
    const all = await bed.daemon.engine.snapshotters.get("overlayfs")?.list(pods());
    return all?.filter(({ kind }) => kind !== "committed");
  };

  test("without the image the built-in one holds the PID namespace; other pods have none", async () => {
    const { podSandboxId } = await runPod("builtin", NamespaceMode.POD);
    await runs(podSandboxId, "/pause -P");
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
    const other = await runPod("none", NamespaceMode.CONTAINER);
    assert.equal(await pauseOf(other.podSandboxId), undefined);
    await bed.v1.runtime.removePodSandbox({ podSandboxId: other.podSandboxId });
  });

  test("the image is pulled, its program holds the PID namespace, and nothing is left of it", async () => {
    await pushPause(bed);
    // A pull that failed is not repeated for a while.
    await bed.restart();
    const { podSandboxId } = await runPod("image", NamespaceMode.POD);
    await runs(podSandboxId, "sleep 100000");
    await bed.restart();
    const { status } = await bed.v1.runtime.podSandboxStatus({ podSandboxId });
    assert.equal(status?.state, PodSandboxState.SANDBOX_READY);
    assert.equal((await activeSnapshots())?.length, 1);
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
    assert.deepEqual(await activeSnapshots(), []);
    // What a daemon that was killed leaves goes at the next start.
    const half = await runPod("half", NamespaceMode.POD);
    const { id } = await bed.daemon.engine.sandboxes.get(pods(), half.podSandboxId);
    await bed.daemon.engine.sandboxes.update(pods(), id, (now) => ({ ...now, state: "creating" }));
    await bed.restart();
    assert.deepEqual([await activeSnapshots(), (await bed.v1.runtime.listPodSandbox({})).items], [[], []]);
  });

  test("the image is pinned: no prune takes it", async () => {
    const pinned = async () => (await bed.v1.images.listImages({})).images.map((image) => String(image.pinned)).sort();
    assert.deepEqual(await pinned(), ["false", "true"]);
    await pruneImages(pods(), bed.daemon.engine, { all: true });
    assert.deepEqual(await pinned(), ["true"]);
    await bed.v1.images.pullImage({ image: { image: bed.image } });
  });

  test("a handler that makes its sandbox around a process gets one, and tells containers which pod is theirs", async () => {
    const { podSandboxId } = await runPod("machine", NamespaceMode.CONTAINER, "machine");
    await runs(podSandboxId, "sleep 100000");
    const containerId = await runContainer(podSandboxId, "main");
    const { engine } = bed.daemon;
    const ref = { namespace: pods().namespace, containerId: (await engine.containers.resolve(pods(), containerId)).id };
    const spec: unknown = JSON.parse(await readFile(join(engine.runtime.bundlePath(ref), "config.json"), "utf8"));
    assert.ok(typeof spec === "object" && spec !== null && "annotations" in spec);
    assert.deepEqual(spec.annotations, {
      "io.kubernetes.cri.sandbox-id": podSandboxId,
      "io.kubernetes.cri.sandbox-name": "machine",
      "io.kubernetes.cri.sandbox-namespace": "default",
      "io.kubernetes.cri.sandbox-uid": "uid-machine",
      "io.kubernetes.cri.container-type": "container",
      "io.kubernetes.cri.container-name": "main",
      "io.kubernetes.cri.image-name": bed.image,
    });
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
  });

  test("a shim that groups by pod serves all of it, until the pod goes", { skip: !hasShim }, async () => {
    const { runtime } = bed.v1;
    const { podSandboxId } = await runPod("shim", NamespaceMode.CONTAINER, "shim");
    const [first, second] = [await runContainer(podSandboxId, "first"), await runContainer(podSandboxId, "second")];
    const shims = async () => (await findProcesses(podSandboxId)).length;
    assert.equal(await shims(), 1);
    await runtime.removeContainer({ containerId: first });
    await bed.restart();
    const { stdout } = await bed.v1.runtime.execSync({ containerId: second, cmd: ["echo", "there"] });
    assert.equal(Buffer.from(stdout).toString(), "there\n");
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
    await eventually("no shim", async () => (await shims()) === 0);
  });
});

/** An image whose command waits. */
async function pushPause({ registry, image, directory }: CriBed): Promise<void> {
  const layout = join(directory, "pause-layout");
  await command(["skopeo", "copy", "-q", "--src-tls-verify=false", `docker://${image}`, `oci:${layout}:pause`]);
  const config = ["--config.entrypoint", "sleep", "--config.cmd", "100000", "--config.user", "65535:65535"];
  await command(["umoci", "config", "--image", `${layout}:pause`, ...config]);
  await registry.push(`oci:${layout}:pause`, pauseName);
}
