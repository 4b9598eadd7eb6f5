import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after, before, suite } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { nowNs } from "#base/clock.ts";
import { parseNamespace } from "#core/call.ts";
import type { SandboxId } from "#core/sandboxes/sandbox.ts";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import { PodSandboxState } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { openCriBed, readLog, type CriBed } from "./cri-bed.ts";
import type { CriClient } from "#test/support/cri-client.ts";
import { eventually } from "#test/support/eventually.ts";

const isRoot = process.getuid?.() === 0;

suite("a kubelet's pods", { skip: isRoot ? false : "needs root" }, () => {
  let bed: CriBed;
  before(async () => {
    bed = await openCriBed();
    await bed.v1.images.pullImage({ image: { image: bed.image } });
  });
  after(async () => await bed[Symbol.asyncDispose]());

  const podConfig = (name: string) => ({
    metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
    hostname: name,
    logDirectory: bed.logDirectory,
    labels: { app: name },
    dnsConfig: { servers: ["10.9.8.7"], searches: ["cluster.local"], options: ["ndots:5"] },
    linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
  });
  const containerConfig = (script: string) => ({
    metadata: { name: "main", attempt: 0 },
    image: { image: bed.image },
    command: ["sh", "-c", script],
    logPath: "main.log",
    linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
  });
  const runPod = async ({ runtime }: CriClient, name: string, script: string) => {
    const config = podConfig(name);
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    const { containerId } = await runtime.createContainer({ podSandboxId, config: containerConfig(script) });
    await runtime.startContainer({ containerId });
    return { podSandboxId, containerId };
  };

  for (const version of ["v1", "v1alpha2"] as const) {
    test(`${version}: a pod's whole life, seen by both versions`, async () => {
      const { runtime } = bed[version];
      const script = "trap 'exit 3' TERM; hostname; cat /etc/resolv.conf; while :; do sleep 0.1; done";
      const { podSandboxId, containerId } = await runPod(bed[version], `life-${version}`, script);
      for (const client of [bed.v1, bed.v1alpha2]) {
        const { items } = await client.runtime.listPodSandbox({
          filter: { labelSelector: { app: `life-${version}` } },
        });
        assert.deepEqual(
          items.map(({ id, state }) => ({ id, state })),
          [{ id: podSandboxId, state: PodSandboxState.SANDBOX_READY }],
        );
      }
      const { status } = await runtime.podSandboxStatus({ podSandboxId });
      assert.match(status?.network?.ip ?? "", /^10\.231\.77\./);
      const { stdout, exitCode } = await runtime.execSync({
        containerId,
        cmd: ["sh", "-c", "ls /sys/class/net; exit 4"],
      });
      assert.deepEqual([Buffer.from(stdout).toString(), exitCode], ["eth0\nlo\n", 4]);
      await eventually("output", async () => (await readLog(join(bed.logDirectory, "main.log"))).length >= 4);
      for (const _ of [1, 2]) await runtime.stopContainer({ containerId, timeout: 120n });
      const { status: ended } = await runtime.containerStatus({ containerId });
      assert.deepEqual([ended?.state, ended?.exitCode, ended?.reason], [ContainerState.CONTAINER_EXITED, 3, "Error"]);
      assert.deepEqual((await readLog(join(bed.logDirectory, "main.log"))).slice(-4), [
        `life-${version}`,
        "search cluster.local",
        "nameserver 10.9.8.7",
        "options ndots:5",
      ]);
      await runtime.removeContainer({ containerId });
      await runtime.removeContainer({ containerId });
      for (const _ of [1, 2]) await runtime.stopPodSandbox({ podSandboxId });
      for (const _ of [1, 2]) await runtime.removePodSandbox({ podSandboxId });
      assert.deepEqual(await bed.daemon.engine.podNamespaces.list(), []);
    });
  }

  test("an image is a read-only volume, whole or in part", async () => {
    const { runtime } = bed.v1;
    const { podSandboxId } = await runtime.runPodSandbox({ config: podConfig("image-volume") });
    const image = { image: bed.image };
    const volume = (containerPath: string, imageSubPath = "", readonly = true) => ({
      containerPath,
      image,
      imageSubPath,
      readonly,
    });
    const create = async (mounts: ReturnType<typeof volume>[]) =>
      await runtime.createContainer({ podSandboxId, config: { ...containerConfig("sleep 1000"), mounts } });
    for (const bad of [volume("/v", "no/such"), volume("/v", "", false), volume("/v", "../etc")]) {
      await assert.rejects(
        create([bad]),
        (error) => error instanceof ConnectError && error.code === Code.InvalidArgument,
      );
    }
    const { containerId } = await create([volume("/whole"), volume("/part", "bin")]);
    await runtime.startContainer({ containerId });
    const script = "test -x /whole/bin/busybox && test -x /part/busybox && ! touch /whole/x 2>/dev/null && echo fine";
    const { stdout } = await runtime.execSync({ containerId, cmd: ["sh", "-c", script] });
    assert.equal(Buffer.from(stdout).toString(), "fine\n");
    await bed.restart();
    await runtime.removePodSandbox({ podSandboxId });
    const { engine, call } = bed.daemon;
    const views = await engine.snapshotters.get("overlayfs")?.list({ ...call, namespace: parseNamespace("k8s.io") });
    assert.deepEqual(
      views?.filter(({ kind }) => kind !== "committed"),
      [],
    );
  });

  test("commands one after the other: each ends with its process, whatever it did not say", async () => {
    const { runtime } = bed.v1;
    const { podSandboxId, containerId } = await runPod(bed.v1, "exec", "sleep 1000");
    for (let count = 0; count < 30; count++) {
      const { stdout, stderr } = await runtime.execSync({ containerId, cmd: ["echo", "out"] });
      assert.deepEqual([Buffer.from(stdout).toString(), stderr.length], ["out\n", 0]);
    }
    const late = runtime.execSync({ containerId, cmd: ["sleep", "100"], timeout: 1n });
    await assert.rejects(late, (error) => error instanceof ConnectError && error.code === Code.DeadlineExceeded);
    await runtime.removePodSandbox({ podSandboxId });
  });

  test("a restart of the daemon changes nothing that a kubelet sees", async () => {
    const { runtime } = bed.v1;
    const pod = await runPod(bed.v1, "stays", "sleep 1000");
    const look = async () => {
      const { status, containersStatuses } = await runtime.podSandboxStatus({ podSandboxId: pod.podSandboxId });
      return { status, containersStatuses };
    };
    const before = await look();
    await bed.restart();
    assert.deepEqual(await look(), before);
    const { stdout } = await runtime.execSync({ containerId: pod.containerId, cmd: ["echo", "there"] });
    assert.equal(Buffer.from(stdout).toString(), "there\n");
    await runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
    assert.deepEqual((await runtime.listContainers({})).containers, []);
  });

  test("what a crash left half made is taken away at the next start", async () => {
    const { engine, call } = bed.daemon;
    const pods = { ...call, namespace: parseNamespace("k8s.io") };
    const { podSandboxId } = await bed.v1.runtime.runPodSandbox({ config: podConfig("half") });
    const id = podSandboxId as SandboxId;
    await engine.sandboxes.update(pods, id, (now) => ({ ...now, state: "creating", createdAtNs: nowNs() }));
    await bed.restart();
    assert.deepEqual((await bed.v1.runtime.listPodSandbox({})).items, []);
    assert.deepEqual(await bed.daemon.engine.podNamespaces.list(), []);
    // The kubelet repeats its call.
    const again = await bed.v1.runtime.runPodSandbox({ config: podConfig("half") });
    await bed.v1.runtime.removePodSandbox({ podSandboxId: again.podSandboxId });
  });

  test("an empty request of any kind is refused by its kind or answered, and never a mistake of ours", async () => {
    const codes = new Set([Code.InvalidArgument, Code.NotFound, Code.Unimplemented]);
    for (const [service, client] of [
      [RuntimeService, bed.v1.runtime],
      [ImageService, bed.v1.images],
    ] as const) {
      const methods = new Map(Object.entries<(request: object) => unknown>(client));
      for (const { localName, methodKind } of service.methods) {
        if (methodKind !== "unary") continue;
        await Promise.resolve(methods.get(localName)?.({})).catch((error: unknown) => {
          assert.ok(error instanceof ConnectError && codes.has(error.code), `${localName}: ${String(error)}`);
        });
      }
    }
  });

  test("bad requests are refused by their kind, and leave nothing", async () => {
    const { runtime, images } = bed.v1;
    const refused = async (code: Code, work: Promise<unknown>) =>
      await assert.rejects(work, (error) => error instanceof ConnectError && error.code === code);
    await refused(Code.InvalidArgument, runtime.runPodSandbox({}));
    await refused(Code.InvalidArgument, runtime.runPodSandbox({ config: { metadata: { name: "x" } } }));
    const handler = { config: podConfig("handler"), runtimeHandler: "no-such" };
    await refused(Code.InvalidArgument, runtime.runPodSandbox(handler));
    const sysctl = { ...podConfig("sysctl"), linux: { sysctls: { "net.no_such": "1" } } };
    await refused(Code.InvalidArgument, runtime.runPodSandbox({ config: sysctl }));
    await refused(Code.NotFound, runtime.podSandboxStatus({ podSandboxId: "0123" }));
    await refused(Code.NotFound, runtime.containerStatus({ containerId: "0123" }));
    await refused(Code.NotFound, runtime.startContainer({ containerId: "0123" }));
    await refused(Code.InvalidArgument, images.imageStatus({}));
    await refused(Code.Unimplemented, runtime.checkpointContainer({}));
    assert.equal((await images.imageStatus({ image: { image: "no.such/image:1" } })).image, undefined);
    assert.deepEqual((await runtime.listPodSandbox({})).items, []);
  });
});
